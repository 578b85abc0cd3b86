/** A suite as a process of its own: its output is kept until it is shown, and a signal ends all of its group. */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { parseErrors, parseFailures } from "./failures.ts";
import type { Suite } from "./list.ts";
import { type Outcome, parseSkipped, parseSummary } from "./summary.ts";

/** More than any suite prints. */
const OUTPUT_CHARACTERS_MAX = 5_000_000;
/** Time between SIGTERM and SIGKILL. */
const STOP_MS = 15_000;
/** Twice of what the slowest suite takes on a busy machine: a test that hangs is named before CI's own limit ends it. */
const SUITE_MS_MAX = 45 * 60_000;

export class SuiteProcess {
  readonly suite: Suite;
  readonly #limitMs: number;
  readonly #ended = Promise.withResolvers<Outcome>();
  #child: ChildProcess | undefined;
  #output = "";
  #shown = false;

  constructor(suite: Suite, limitMs = SUITE_MS_MAX) {
    this.suite = suite;
    this.#limitMs = limitMs;
  }

  /** Resolves when the process has ended, however it did. */
  get ended(): Promise<Outcome> {
    return this.#ended.promise;
  }

  async run(): Promise<void> {
    const startedMs = performance.now();
    const child = spawn(Deno.execPath(), [...this.suite.args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
      // A group of its own.
      detached: true,
    });
    this.#child = child;
    const keep = (chunk: Uint8Array): void => {
      if (this.#shown) process.stdout.write(chunk);
      this.#output = (this.#output + new TextDecoder().decode(chunk)).slice(-OUTPUT_CHARACTERS_MAX);
    };
    const timer = setTimeout(() => {
      keep(
        new TextEncoder().encode(
          `\nstopped after ${this.#limitMs / 60_000} minutes: see the last test above\n`,
        ),
      );
      void this.stop();
    }, this.#limitMs);
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("close", (code) => {
      clearTimeout(timer);
      this.#child = undefined;
      this.#ended.resolve(outcomeOf(this.suite, code, this.#output, performance.now() - startedMs));
    });
    await this.ended;
  }

  /** Prints the output so far, and from now on all of it at once. */
  show(): void {
    this.#shown = true;
    process.stdout.write(this.#output);
  }

  /** Ends the suite and the processes that its tests have started, in order if they can. */
  async stop(): Promise<void> {
    const leader = this.#child?.pid;
    if (leader === undefined) return;
    signalGroup(leader, "SIGTERM");
    const deadline = performance.now() + STOP_MS;
    while (signalGroup(leader, 0) && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    signalGroup(leader, "SIGKILL");
  }
}

/** `false` when the group has no process any more. */
function signalGroup(leader: number, signal: "SIGTERM" | "SIGKILL" | 0): boolean {
  try {
    return process.kill(-leader, signal);
  } catch {
    return false;
  }
}

function outcomeOf(suite: Suite, code: number | null, output: string, tookMs: number): Outcome {
  const about = {
    suite: suite.name,
    seconds: tookMs / 1_000,
    names: parseSkipped(output),
    failures: suite.counts ? parseFailures(output) : [],
    errors: parseErrors(output),
  };
  const counts = suite.counts ? parseSummary(output) : undefined;
  if (counts === undefined) {
    return { ...about, passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  }
  // A suite can fail beside its tests, e.g. with an uncaught error.
  return { ...about, ...counts, failed: code !== 0 && counts.failed === 0 ? 1 : counts.failed };
}
