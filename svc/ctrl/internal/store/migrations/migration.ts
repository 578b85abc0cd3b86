import type { Kysely } from "kysely";
import type { Schema } from "../schema.ts";

/**
 * One step of the database's history. A step that was released is never edited.
 *
 * MySQL commits each `create` and `alter` by itself, so `up` must be able to run again after it stopped anywhere.
 *
 * During an upgrade, and after a way back, programs of the former release work on these tables. A step adds, so that
 * their statements go on to work; one that removes comes a release after the last statement that needed it, and says
 * so in its name.
 */
export interface Migration {
  /** Number and name, e.g. `0031_shown_revisions`; a step that removes ends with the step that programs must know to go without, e.g. `0032_drop_sizes_after_0028`. */
  readonly name: string;
  up(db: Kysely<Schema>): Promise<void>;
}

const NEEDED = /_after_(\d{4})$/;

/** Applied steps after which a program that knows `known` cannot use the tables. */
export function unusableAfter(
  applied: readonly string[],
  known: readonly Pick<Migration, "name">[],
): readonly string[] {
  const names = new Set(known.map(({ name }) => name));
  const numbers = new Set(known.map(({ name }) => name.slice(0, 4)));
  return applied.filter((name) => {
    const needed = NEEDED.exec(name)?.[1];
    return !names.has(name) && needed !== undefined && !numbers.has(needed);
  });
}
