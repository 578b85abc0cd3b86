/** Output of instances, kept for a bounded number of bytes per deployment. */
import { Buffer } from "node:buffer";
import type { ExpressionBuilder, ExpressionWrapper, SqlBool } from "kysely";
import { insertIgnore } from "../../../../pkg/db/mod.ts";
import type { Queryable } from "./database.ts";
import {
  BLOCK_BYTES_MIN,
  compareLines,
  cutIntoBlocks,
  decodeBlock,
  encodeBlock,
  isAfterCursor,
  type LogCursor,
  type LogLine,
  sourceOf,
} from "./log_block.ts";
import { deleteLogBlockWords, insertLogBlockWords } from "./log_block_words.ts";
import type { Schema } from "./schema.ts";

type Position = LogCursor extends ReadonlyMap<string, infer P> ? P : never;

/** Blocks are looked at in pages of so many, without their bodies. */
const PAGE = 1_000;
/** The bodies of one read of an instance hold at most so much text, or one block. */
const READ_BYTES_MAX = 1_048_576;

/**
 * Stores lines; those of each instance must be in order. Lines that are not after the last stored one of their instance
 * are known, and left out. By primary key.
 *
 * Two calls at once for one instance may store a line twice; readers pass over the second one.
 */
export async function insertInstanceLogs(
  db: Queryable,
  deploymentId: string,
  lines: readonly LogLine[],
): Promise<void> {
  const ends = new Map<string, Position>();
  for (const [source, first] of new Map(lines.map((each) => [sourceOf(each), each]))) {
    const end = await findEnd(db, deploymentId, first);
    if (end !== undefined) ends.set(source, end);
  }
  const fresh = Map.groupBy(lines.filter((each) => isAfterCursor(ends, each)), sourceOf);
  const blocks = [...fresh.values()].flatMap(cutIntoBlocks);
  // The words first: a block without them is read by each search.
  await insertLogBlockWords(db, deploymentId, blocks);
  const rows = blocks.map((block) => ({ deployment_id: deploymentId, ...blockRow(block) }));
  await insertIgnore(db, "log_blocks", rows, [
    "deployment_id",
    "region",
    "instance",
    "last_time_ns",
    "last_ordinal",
  ]);
}

async function findEnd(
  db: Queryable,
  deploymentId: string,
  { region, instance }: LogLine,
): Promise<Position | undefined> {
  const row = await db.selectFrom("log_blocks").select(["last_time_ns", "last_ordinal"])
    .where("deployment_id", "=", deploymentId).where("region", "=", region).where("instance", "=", instance)
    .orderBy("last_time_ns", "desc").orderBy("last_ordinal", "desc").limit(1).executeTakeFirst();
  return row === undefined ? undefined : { timeNs: row.last_time_ns, ordinal: row.last_ordinal };
}

function blockRow(lines: readonly LogLine[]) {
  const [first, last] = [lines.at(0), lines.at(-1)];
  if (first === undefined || last === undefined) throw new RangeError("a block without lines");
  // Each line counts with its newline.
  const bytes = lines.reduce((sum, { text }) => sum + Buffer.byteLength(text) + 1, 0);
  return {
    instance: last.instance,
    last_time_ns: last.timeNs,
    last_ordinal: last.ordinal,
    first_time_ns: first.timeNs,
    region: last.region,
    line_count: lines.length,
    size_bytes: Math.max(BLOCK_BYTES_MIN, bytes),
    body: encodeBlock(lines),
  };
}

/** Lines, and whether there are more of them. */
export interface LogPage {
  readonly lines: readonly LogLine[];
  readonly more: boolean;
}

/**
 * The lines after `cursor`, sorted by time, at most about `limit` of each instance. By primary key.
 *
 * An instance that the cursor does not name is read from its beginning.
 */
export async function listInstanceLogsAfter(
  db: Queryable,
  deploymentId: string,
  cursor: LogCursor,
  limit: number,
): Promise<LogPage> {
  const sources = await db.selectFrom("log_blocks").select(["region", "instance"]).distinct()
    .where("deployment_id", "=", deploymentId).execute();
  const lines: LogLine[] = [];
  let more = false;
  for (const source of sources) {
    const after = cursor.get(sourceOf(source));
    const page = await readAfter(db, { ...source, deploymentId, after, limit });
    for (const line of page.lines) {
      if (isAfterCursor(cursor, line)) lines.push(line);
    }
    more ||= page.more;
  }
  return { lines: lines.sort(compareLines), more };
}

interface After {
  readonly deploymentId: string;
  readonly region: string;
  readonly instance: string;
  readonly after: Position | undefined;
  readonly limit: number;
}

async function readAfter(
  db: Queryable,
  { deploymentId, region, instance, after, limit }: After,
): Promise<LogPage> {
  const blocks = db.selectFrom("log_blocks")
    .where("deployment_id", "=", deploymentId).where("region", "=", region).where("instance", "=", instance)
    .$if(after !== undefined, (query) => query.where((eb) => isBehind(eb, after, ">")))
    .orderBy("last_time_ns").orderBy("last_ordinal");
  const heads = await blocks.select(["last_time_ns", "last_ordinal", "line_count", "size_bytes"]).limit(limit)
    .execute();
  const end = endOfRead(heads, limit);
  const last = heads[end - 1];
  if (last === undefined) return { lines: [], more: false };
  const until = { timeNs: last.last_time_ns, ordinal: last.last_ordinal };
  const rows = await blocks.select(["instance", "region", "body"]).where((eb) => isBehind(eb, until, "<="))
    .execute();
  return { lines: inOrder(rows.flatMap(decodeBlock)), more: end < heads.length || heads.length === limit };
}

/** The number of these blocks that one read takes. */
function endOfRead(
  heads: readonly { readonly line_count: number; readonly size_bytes: number }[],
  limit: number,
): number {
  let [lines, bytes] = [0, 0];
  const end = heads.findIndex((head) => {
    if (lines >= limit || bytes + head.size_bytes > READ_BYTES_MAX && bytes > 0) return true;
    lines += head.line_count;
    bytes += head.size_bytes;
    return false;
  });
  return end < 0 ? heads.length : end;
}

/** Compares the end of a block with a position. The first condition is a range of the key, which SQLite sees in no other form. */
function isBehind(
  eb: ExpressionBuilder<Schema, "log_blocks">,
  position: Position | undefined,
  order: ">" | "<=",
): ExpressionWrapper<Schema, "log_blocks", SqlBool> {
  if (position === undefined) return eb.and([]);
  const { timeNs, ordinal } = position;
  return eb.and([
    eb("last_time_ns", order === ">" ? ">=" : "<=", timeNs),
    eb.or([eb("last_time_ns", "!=", timeNs), eb("last_ordinal", order, ordinal)]),
  ]);
}

/** Lines of one instance without those that a second block holds again. */
function inOrder(lines: readonly LogLine[]): LogLine[] {
  let last: LogLine | undefined;
  return lines.toSorted(compareLines).filter((line) => {
    const isNew = last === undefined || compareLines(last, line) < 0;
    last = line;
    return isNew;
  });
}

/** Blocks of one deletion: a block has up to 256 Ki characters. */
const BLOCKS_PER_DELETE = 50;

/**
 * Deletes the oldest blocks of a deployment until the rest counts at most `bytesMax`; blocks that end at the same time
 * stay or go together. In small batches, also where the bound is much lower than before. Index on deployment and time.
 * Returns the number of deleted blocks.
 */
export async function trimInstanceLogs(
  db: Queryable,
  deploymentId: string,
  bytesMax: number,
): Promise<number> {
  const untilNs = await findSurplus(db, deploymentId, bytesMax);
  if (untilNs === undefined) return 0;
  let total = 0;
  for (let deleted = BLOCKS_PER_DELETE; deleted >= BLOCKS_PER_DELETE; total += deleted) {
    deleted = await deleteLogBlocks(db, { deploymentId, untilNs, limit: BLOCKS_PER_DELETE });
  }
  return total;
}

/** The end of the newest block that is beyond the bound. */
async function findSurplus(
  db: Queryable,
  deploymentId: string,
  bytesMax: number,
): Promise<string | undefined> {
  let kept = 0;
  let before: string | undefined;
  for (;;) {
    const page = await db.selectFrom("log_blocks").select(["last_time_ns", "size_bytes"])
      .where("deployment_id", "=", deploymentId)
      .$if(before !== undefined, (query) => query.where("last_time_ns", "<", before ?? ""))
      .orderBy("last_time_ns", "desc").limit(PAGE).execute();
    for (const { last_time_ns: time, size_bytes: bytes } of page) {
      kept += bytes;
      if (kept > bytesMax) return time;
    }
    before = page.at(-1)?.last_time_ns;
    if (page.length < PAGE || before === undefined) return undefined;
  }
}

/**
 * Deletes about `limit` of the blocks that end until then, oldest first, and returns how many; blocks that end at the same
 * time go together. Index on deployment and time.
 */
export async function deleteLogBlocks(
  db: Queryable,
  { deploymentId, untilNs, limit }: {
    readonly deploymentId: string;
    readonly untilNs: string;
    readonly limit: number;
  },
): Promise<number> {
  const last = await db.selectFrom("log_blocks").select("last_time_ns")
    .where("deployment_id", "=", deploymentId).where("last_time_ns", "<=", untilNs)
    .orderBy("last_time_ns").offset(limit - 1).limit(1).executeTakeFirst();
  const until = last?.last_time_ns ?? untilNs;
  const { numDeletedRows } = await db.deleteFrom("log_blocks").where("deployment_id", "=", deploymentId)
    .where("last_time_ns", "<=", until).executeTakeFirst();
  // After the blocks: words that a crash leaves behind go with the next ones.
  await deleteLogBlockWords(db, deploymentId, until);
  return Number(numDeletedRows);
}
