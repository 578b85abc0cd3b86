import type { Budget } from "./budget.ts";

/** Changes between two documents. Their ids are those of oasdiff, which clients of the original know. */

/** 3 breaks clients, 2 may break some, 1 breaks none. */
export const LEVELS = { info: 1, warning: 2, error: 3 } as const;
export type Level = typeof LEVELS[keyof typeof LEVELS];

export interface Change {
  readonly id: string;
  readonly text: string;
  readonly level: Level;
  /** The method, in capitals. */
  readonly operation: string;
  readonly operationId: string | undefined;
  readonly path: string;
}

export interface Counts {
  readonly added: number;
  readonly deleted: number;
  readonly modified: number;
}

/** The differences of two documents. */
export interface Comparison {
  /** True if they differ at all, also in what no client notices. */
  readonly differs: boolean;
  /** At most `CHANGES_MAX`, the breaking ones first. */
  readonly changes: readonly Change[];
  readonly breaking: boolean;
  readonly endpoints: Counts;
  readonly paths: Counts;
  readonly schemas: Counts;
}

const CHANGES_MAX = 1_000;
const FOUND_MAX = 20_000;

/** The end of a comparison. `too_large`: the text says so, for people who read it after a subject of their own. */
export type Compared =
  | { readonly kind: "compared"; readonly comparison: Comparison }
  | { readonly kind: "too_large"; readonly problem: string };

/** The place of an operation. */
export interface Place {
  readonly path: string;
  readonly operation: string;
  readonly operationId: string | undefined;
}

/** Gathers changes, each once. */
export class Changes {
  readonly #budget: Budget;
  readonly #byOperation = new Map<string, Map<string, Change>>();
  #count = 0;
  #breaking = false;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** True if one breaks clients, also one beyond those that are kept. */
  get breaking(): boolean {
    return this.#breaking;
  }

  /** Notes a change of an operation. */
  add(place: Place, id: string, level: Level, text: string): void {
    this.#budget.spend(10);
    if (level === LEVELS.error) this.#breaking = true;
    if (this.#count >= FOUND_MAX) return;
    const key = keyOf(place);
    const known = this.#byOperation.get(key) ?? new Map<string, Change>();
    this.#byOperation.set(key, known);
    const before = known.size;
    known.set(`${id} ${text}`, { ...place, id, text, level });
    this.#count += known.size - before;
  }

  /** True if there is one of this operation. */
  touches(place: Place): boolean {
    return this.#byOperation.has(keyOf(place));
  }

  /** The most serious first, then as they were found. */
  list(): readonly Change[] {
    return [...this.#byOperation.values()].flatMap((each) => [...each.values()])
      .sort((a, b) => b.level - a.level).slice(0, CHANGES_MAX);
  }
}

function keyOf({ operation, path }: Place): string {
  return `${operation} ${path}`;
}
