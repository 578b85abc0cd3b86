/** Undoing what a workflow did, when it turns out that it cannot finish. */
import { Fault } from "../fault/mod.ts";
import { AttemptEnded, type Durable, type StepOptions } from "./durable.ts";

/** Takes the fault that ended the workflow. */
export type Undo = (fault: Fault, signal: AbortSignal) => Promise<void>;

/**
 * Undo steps are bounded like any other, but far more patient: what is left undone here stays so, and the usual cause of
 * a failure is a database that is away. 500 tries at up to 10 s are about eighty minutes.
 */
export const UNDO_OPTIONS: StepOptions = { attemptsMax: 500, firstMs: 50, maxMs: 10_000 };

interface Step {
  readonly kind: "step";
  readonly name: string;
  readonly action: Undo;
}

interface Message {
  readonly kind: "message";
  readonly send: () => Promise<void>;
}

/**
 * Registered undo actions, run newest first.
 *
 * ```ts
 * const compensations = new Compensations(durable);
 * try {
 *   compensations.add("claim", (fault) => steps.release(id, fault));
 *   await durable.run("claim", () => steps.claim(id)); // registered first: the step may run and not be recorded
 * } catch (error) {
 *   return await compensations.unwind(error);
 * }
 * ```
 */
export class Compensations {
  readonly #durable: Durable;
  readonly #undo: (Step | Message)[] = [];

  constructor(durable: Durable) {
    this.#durable = durable;
  }

  /** Registers `action`. Do it before the step that it undoes, and make it harmless when that step never ran. */
  add(name: string, action: Undo): void {
    this.#undo.push({ kind: "step", name, action });
  }

  /** Registers a message to another service, which is handed over between steps and never inside one. */
  addMessage(send: () => Promise<void>): void {
    this.#undo.push({ kind: "message", send });
  }

  /**
   * Undoes everything when `error` is final, and throws it, as a fault, either way.
   *
   * Everything is final but the end of an attempt: another one will resume from the journal, and would find its own
   * recorded work gone. What is not a fault is a bug in the workflow and becomes `internal`. An undo step that fails
   * does not keep the others from running.
   */
  async unwind(thrown: unknown): Promise<never> {
    if (thrown instanceof AttemptEnded) throw thrown;
    const error = thrown instanceof Fault
      ? thrown
      : new Fault("internal", "the workflow threw something that is not a fault", { cause: thrown });
    for (const undo of this.#undo.toReversed()) {
      try {
        if (undo.kind === "message") await undo.send();
        else {await this.#durable.run(`undo ${undo.name}`, (signal) =>
            undo.action(error, signal), UNDO_OPTIONS);}
      } catch (failed) {
        // A step that used up its tries is logged where it ran; the ones before it still need their turn.
        if (failed instanceof AttemptEnded) throw failed;
      }
    }
    throw error;
  }
}
