import { EXIT, type ExitCode } from "./exit_codes.ts";
import { printFailure } from "./failure.ts";
import { paint } from "./paint.ts";
import type { Process } from "./process.ts";

/**
 * The outcome of a command, which decides what a failed write to standard output means.
 *
 * - `exit_code`: the durable state that the exit code tells of. Output is dropped with one note, and a terminal that goes
 *   away ends nothing.
 * - `output`: the output itself. A reader that goes away ends the command quietly with 0; any other failed write is a
 *   failure of the command.
 * - `secret`: output that cannot be read again, so that every failed write is a failure.
 * - `service`: a process that runs until a signal. Output is dropped with one note.
 */
export type Outcome = "exit_code" | "output" | "secret" | "service";

/** The output of one call of a command, whose reader may go away. */
export class Output {
  /** The process for the command: its writes never fail. */
  readonly process: Process;
  readonly #outcome: Outcome;
  readonly #given: Process;
  readonly #stop = new AbortController();
  #lost: { readonly readerGone: boolean; readonly reason: string } | undefined;

  constructor(outcome: Outcome, process: Process) {
    this.#outcome = outcome;
    this.#given = process;
    this.process = {
      ...process,
      stdout: (text) => this.#write(text),
      stderr: (text) => {
        if (!this.#endsQuietly) process.stderr(text);
      },
      signal: outcome === "output" ? AbortSignal.any([process.signal, this.#stop.signal]) : process.signal,
    };
    if (outcome === "exit_code" || outcome === "secret") process.surviveHangup();
    if (outcome === "service") process.keepFilesPrivate();
  }

  /** The exit code of a call that ended with `code`. */
  end(code: ExitCode): ExitCode {
    if (this.#lost === undefined) return code;
    if (this.#endsQuietly) return EXIT.ok;
    const message = FAILURES[this.#outcome];
    if (message === undefined || (code !== EXIT.ok && this.#outcome === "secret")) return code;
    const failure = {
      code: "output_lost",
      message: `${message} ${this.#lost.reason}.`,
      exitCode: EXIT.failed,
    };
    return printFailure(failure, this.#given, undefined);
  }

  get #endsQuietly(): boolean {
    return this.#outcome === "output" && this.#lost?.readerGone === true;
  }

  #write(text: string): void {
    if (this.#lost !== undefined) return;
    try {
      this.#given.stdout(text);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#lost = { readerGone: error instanceof Deno.errors.BrokenPipe, reason };
      this.#stop.abort(new DOMException("Standard output cannot be written", "AbortError"));
      if (FAILURES[this.#outcome] === undefined) this.#note(reason);
    }
  }

  #note(reason: string): void {
    const note = paint(this.#given).yellow("note");
    this.#given.stderr(`${note} output is left out: standard output cannot be written: ${reason}\n`);
  }
}

const FAILURES: Readonly<Partial<Record<Outcome, string>>> = {
  output: "The output is not complete: standard output cannot be written:",
  secret:
    "It was created, and its secret is lost, since it is shown only once and standard output cannot be " +
    "written. Remove it, and create another one. The reason:",
};
