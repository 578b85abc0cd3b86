/** Knows whether the running code is inside a transaction of its database. */
import { AsyncLocalStorage } from "node:async_hooks";
import { Fault } from "../fault/mod.ts";

interface Mark {
  open: boolean;
}

/** One per database. Follows the calls that a transaction's function makes, across awaits. */
export class TransactionScope {
  readonly #marks = new AsyncLocalStorage<Mark>();

  /** Runs `fn` marked as inside; the mark ends with it, also for work that it left behind. */
  async run<T>(fn: () => Promise<T>): Promise<T> {
    const mark: Mark = { open: true };
    try {
      return await this.#marks.run(mark, fn);
    } finally {
      mark.open = false;
    }
  }

  /** @throws `internal` when the caller is inside an open transaction of this database */
  assertOutside(): void {
    if (this.#marks.getStore()?.open !== true) return;
    throw new Fault(
      "internal",
      "the database was used inside its own open transaction: pass the transaction on instead",
    );
  }
}
