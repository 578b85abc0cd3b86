/**
 * The work of one comparison. A unit is about a tenth of a microsecond: the measure is counted, so that a slow machine
 * compares the same documents.
 */
export const WORK_MAX = 1_250_000;

/** Ends a comparison that has done all the work it may. It never leaves this package. */
export class BudgetSpent extends Error {}

/** Counts the work of one comparison: references, parts of `allOf`, nodes, keys and entries of lists. */
export class Budget {
  readonly #max: number;
  #spent = 0;

  constructor(max = WORK_MAX) {
    this.#max = max;
  }

  get spent(): number {
    return this.#spent;
  }

  /** @throws {BudgetSpent} beyond the bound */
  spend(units: number): void {
    this.#spent += units;
    if (this.#spent > this.#max) throw new BudgetSpent();
  }
}

/** The units of a text that is compared or hashed: these cost little per character. */
export function unitsOfText(text: string): number {
  return 1 + (text.length >> 8);
}
