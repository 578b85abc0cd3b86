/** The levels and words of blocks of output: what a search looks at before it reads a block. */
import { insertIgnore } from "../../../../pkg/db/mod.ts";
import { levelMask, readLine, wordFilterOf } from "../log_lines/mod.ts";
import type { Queryable } from "./database.ts";
import type { LogLine } from "./log_block.ts";
import type { LogBlockWordsTable } from "./schema_logs.ts";

/** Stores those of new blocks; one that is known stays. */
export async function insertLogBlockWords(
  db: Queryable,
  deploymentId: string,
  blocks: readonly (readonly LogLine[])[],
): Promise<void> {
  const rows = blocks.flatMap((lines): LogBlockWordsTable[] => {
    const last = lines.at(-1);
    if (last === undefined) return [];
    const { timeNs, region, instance, ordinal } = last;
    return [{
      deployment_id: deploymentId,
      last_time_ns: timeNs,
      region,
      instance,
      last_ordinal: ordinal,
      levels: levelMask(lines.map(({ text }) => readLine(text).level)),
      words: wordFilterOf(lines.map(({ text }) => text)),
    }];
  });
  await insertIgnore(db, "log_block_words", rows, [
    "deployment_id",
    "last_time_ns",
    "region",
    "instance",
    "last_ordinal",
  ]);
}

/** Deletes those of blocks that end until then. By primary key. */
export async function deleteLogBlockWords(
  db: Queryable,
  deploymentId: string,
  untilNs: string,
): Promise<void> {
  await db.deleteFrom("log_block_words").where("deployment_id", "=", deploymentId)
    .where("last_time_ns", "<=", untilNs).execute();
}
