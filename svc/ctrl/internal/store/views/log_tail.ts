/** The last lines of a deployment's instances, in the order of time, in bounded memory. */
import type { ExpressionBuilder } from "kysely";
import type { CtrlDatabase } from "../database.ts";
import type { Schema } from "../schema.ts";
import {
  compareLines,
  decodeBlock,
  isAfterCursor,
  type LogCursor,
  type LogLine,
  sourceOf,
} from "../log_block.ts";

/** Old output may come from a replica: it is most of what users read, and it does not change any more. */
type Reads = Pick<CtrlDatabase, "read">;

/** A part of the output. */
export interface LogTailQuery {
  readonly deploymentId: string;
  /** Only so many lines, the last ones. */
  readonly lines: number;
  /** Only lines of this time or later; as `LogLine.timeNs`. */
  readonly since?: string;
  /** Only lines before this time. */
  readonly until?: string;
  /** Only instances whose name begins so. */
  readonly instance?: string;
  readonly region?: string;
}

/** A block without its body. */
interface Head {
  readonly instance: string;
  readonly last_time_ns: string;
  readonly last_ordinal: number;
  readonly first_time_ns: string;
  readonly region: string;
  readonly line_count: number;
  readonly size_bytes: number;
}

const COLUMNS = [
  "instance",
  "last_time_ns",
  "last_ordinal",
  "first_time_ns",
  "region",
  "line_count",
  "size_bytes",
] as const;
const PAGE = 500;
/** One read of bodies, in blocks and in bytes of their text. */
const READ_BLOCKS_MAX = 50;
const READ_BYTES_MAX = 1_048_576;

/**
 * Yields the last lines that match, oldest first. Finds the blocks that hold them from the end on, and then reads them
 * from the beginning on, so that it holds only blocks of overlapping times. Index on deployment and time.
 */
export async function* readLogTail(db: Reads, query: LogTailQuery): AsyncGenerator<readonly LogLine[]> {
  const { heads, lines } = await findTail(db, query);
  let skip = lines - query.lines;
  const waiting = heads.toSorted((a, b) => order(a.first_time_ns, b.first_time_ns));
  let held: LogLine[] = [];
  let cursor: LogCursor = new Map();
  while (waiting.length > 0) {
    held.push(...await readBodies(db, query, takeBatch(waiting)));
    // Lines before every block that is still to be read are complete.
    const complete = waiting[0]?.first_time_ns;
    const [ready, later] = [[] as LogLine[], [] as LogLine[]];
    for (const line of held) (complete === undefined || line.timeNs < complete ? ready : later).push(line);
    held = later;
    const fresh: LogLine[] = [];
    const seen = new Map(cursor);
    for (const line of ready.sort(compareLines)) {
      if (!isAfterCursor(seen, line)) continue;
      seen.set(sourceOf(line), line);
      fresh.push(line);
    }
    cursor = seen;
    const shown = skip > 0 ? fresh.slice(skip) : fresh;
    skip -= fresh.length;
    if (shown.length > 0) yield shown;
  }
}

/** The blocks of the tail, and how many matching lines they hold. */
async function findTail(
  db: Reads,
  query: LogTailQuery,
): Promise<{ readonly heads: readonly Head[]; readonly lines: number }> {
  const heads: Head[] = [];
  let lines = 0;
  /** Lines that are later than every block that was not looked at. */
  let certain = 0;
  let uncertain: { readonly first: string; readonly lines: number }[] = [];
  for await (const head of headsFromEnd(db, query)) {
    const isCertain = ({ first }: { readonly first: string }): boolean => first > head.last_time_ns;
    certain += uncertain.filter(isCertain).reduce((sum, each) => sum + each.lines, 0);
    uncertain = uncertain.filter((each) => !isCertain(each));
    if (certain >= query.lines) break;
    const count = await matching(db, query, head);
    heads.push(head);
    lines += count;
    uncertain.push({ first: head.first_time_ns, lines: count });
  }
  return { heads, lines };
}

async function* headsFromEnd(db: Reads, query: LogTailQuery): AsyncGenerator<Head> {
  const { deploymentId, since, until, region, instance = "" } = query;
  let last: Head | undefined;
  for (;;) {
    const after = last;
    const heads: Head[] = await db.read(async (reader) => {
      let page = reader.selectFrom("log_blocks").select(COLUMNS).where("deployment_id", "=", deploymentId);
      if (since !== undefined) page = page.where("last_time_ns", ">=", since);
      if (until !== undefined) page = page.where("first_time_ns", "<", until);
      if (region !== undefined) page = page.where("region", "=", region);
      if (after !== undefined) page = page.where(behind(after));
      return await page.orderBy("last_time_ns", "desc").orderBy("region", "desc")
        .orderBy("instance", "desc").orderBy("last_ordinal", "desc").limit(PAGE).execute();
    });
    yield* heads.filter((each) => each.instance.startsWith(instance));
    last = heads.at(-1);
    if (heads.length < PAGE) return;
  }
}

/** The blocks that come after `head` in the order of the pages; new ones come before it. */
function behind(head: Head) {
  return (eb: ExpressionBuilder<Schema, "log_blocks">) =>
    eb.and([
      eb("last_time_ns", "<=", head.last_time_ns),
      eb.or([
        eb("last_time_ns", "!=", head.last_time_ns),
        eb("region", "<", head.region),
        eb.and([eb("region", "=", head.region), eb("instance", "<", head.instance)]),
        eb.and([
          eb("region", "=", head.region),
          eb("instance", "=", head.instance),
          eb("last_ordinal", "<", head.last_ordinal),
        ]),
      ]),
    ]);
}

/** The number of matching lines in a block. Only a block that lies across `since` or `until` is read for it. */
async function matching(db: Reads, query: LogTailQuery, head: Head): Promise<number> {
  const { since = "", until } = query;
  if (head.first_time_ns >= since && (until === undefined || head.last_time_ns < until)) {
    return head.line_count;
  }
  return (await readBodies(db, query, [head])).length;
}

function takeBatch(waiting: Head[]): Head[] {
  let bytes = 0;
  const end = waiting.findIndex((head, n) => {
    bytes += head.size_bytes;
    return n === READ_BLOCKS_MAX || n > 0 && bytes > READ_BYTES_MAX;
  });
  return waiting.splice(0, end < 0 ? waiting.length : end);
}

async function readBodies(
  db: Reads,
  { deploymentId, since = "", until }: LogTailQuery,
  heads: readonly Head[],
): Promise<LogLine[]> {
  const rows = await db.read((reader) =>
    reader.selectFrom("log_blocks").select(["instance", "region", "body"])
      .where("deployment_id", "=", deploymentId)
      .where((eb) =>
        eb.or(heads.map((head) =>
          eb.and([
            eb("region", "=", head.region),
            eb("instance", "=", head.instance),
            eb("last_time_ns", "=", head.last_time_ns),
            eb("last_ordinal", "=", head.last_ordinal),
          ])
        ))
      ).execute()
  );
  return rows.flatMap(decodeBlock)
    .filter(({ timeNs }) => timeNs >= since && (until === undefined || timeNs < until));
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
