import type { Kysely } from "kysely";
import type { Schema } from "../schema.ts";

/**
 * One step of the database's history. A step that was released is never edited.
 *
 * MySQL commits each `create` and `alter` by itself, so `up` must be able to run again after it stopped anywhere.
 */
export interface Migration {
  /** Number and name; the order is that of the list. */
  readonly name: string;
  up(db: Kysely<Schema>): Promise<void>;
}
