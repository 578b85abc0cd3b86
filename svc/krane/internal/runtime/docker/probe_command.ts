import { type Engine, isExecRunning, startExec } from "../../../../../pkg/docker/mod.ts";
import { isFault } from "../../../../../pkg/fault/mod.ts";
import { type Answer, answerMsMax, probeOnce, type ProbeTarget } from "./probe.ts";

const OUTPUT_SHOWN_MAX = 200;

/** Asks apps, and runs the commands of checks that have one: one at a time in each container, since none can be ended. */
export class CommandProber {
  readonly #engine: Engine;
  /** The commands that had not ended in time, by container. */
  readonly #running = new Map<string, string>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Asks once. A command is run when the port accepts connections. */
  async ask(target: ProbeTarget, signal: AbortSignal): Promise<Answer> {
    const answer = await probeOnce(target, signal);
    if (!answer.ok || target.check.kind !== "command") return answer;
    try {
      return await this.#run(target, signal);
    } catch (error) {
      signal.throwIfAborted();
      // The container has just ended, or the image has no such program.
      if (!isFault(error)) throw error;
      return { ok: false, detail: (error.publicMessage ?? error.message).slice(0, OUTPUT_SHOWN_MAX) };
    }
  }

  async #run({ container, check }: ProbeTarget, signal: AbortSignal): Promise<Answer> {
    const timeoutMs = answerMsMax(check);
    const late = { ok: false, detail: `it did not end within ${timeoutMs / 1_000} s` } as const;
    const before = this.#running.get(container);
    if (before !== undefined && await isExecRunning(this.#engine, before, signal)) return late;
    this.#running.delete(container);
    const { id, result } = await startExec(this.#engine, container, check.command, { signal, timeoutMs });
    const { exitCode, output } = await result;
    if (exitCode === 0) return { ok: true };
    if (exitCode === undefined) {
      this.#running.set(container, id);
      return late;
    }
    const said = output.trim().split("\n").at(-1)?.slice(0, OUTPUT_SHOWN_MAX) ?? "";
    return { ok: false, detail: `exit code ${exitCode}${said === "" ? "" : `: ${said}`}` };
  }

  /** The container is gone. */
  forget(container: string): void {
    this.#running.delete(container);
  }
}
