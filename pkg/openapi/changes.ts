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

/** The place of an operation. */
export interface Place {
  readonly path: string;
  readonly operation: string;
  readonly operationId: string | undefined;
}

/** Gathers changes, each once. */
export class Changes {
  readonly #found = new Map<string, Change>();

  /** Notes a change of an operation. */
  add(place: Place, id: string, level: Level, text: string): void {
    if (this.#found.size >= FOUND_MAX) return;
    this.#found.set(`${place.operation} ${place.path} ${id} ${text}`, { ...place, id, text, level });
  }

  /** True if there is one of this operation. */
  touches({ path, operation }: Place): boolean {
    const start = `${operation} ${path} `;
    for (const key of this.#found.keys()) if (key.startsWith(start)) return true;
    return false;
  }

  /** The most serious first, then as they were found. */
  list(): readonly Change[] {
    return [...this.#found.values()].sort((a, b) => b.level - a.level).slice(0, CHANGES_MAX);
  }
}
