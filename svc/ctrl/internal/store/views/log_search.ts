/** Lines of output that a text or a level chooses, newest first, with bounded work. */
import { sql } from "kysely";
import { isAtLeast, type Level, maskFrom, readLine, type SearchText } from "../../log_lines/mod.ts";
import { decodeBlock, type LogLine } from "../log_block.ts";
import {
  type BlockHead,
  type BlockPlace,
  compareBlocks,
  type HeadQuery,
  headsOf,
  type Reads,
} from "./log_heads.ts";

/** A search, and the bounds of one call. */
export interface LogSearch extends Omit<HeadQuery, "from"> {
  /** The beginning of the names of instances. */
  readonly instance?: string | undefined;
  readonly text?: SearchText | undefined;
  /** This level and more severe ones. */
  readonly level?: Level | undefined;
  /** Lines at most. */
  readonly limit: number;
  /** Where the search before ended. */
  readonly from?: SearchPlace | undefined;
  readonly bounds: SearchBounds;
}

/** The work of one call. */
export interface SearchBounds {
  /** Blocks that are looked at. */
  readonly blocksMax: number;
  /** Text of the blocks that are read. */
  readonly bytesMax: number;
  /** True as soon as the time is over. */
  readonly isOver: () => boolean;
}

/** The block with which a search goes on, and the number of its matching lines that were returned. */
export interface SearchPlace extends BlockPlace {
  readonly skip: number;
}

export interface FoundLine extends LogLine {
  readonly deploymentId: string;
}

export interface LogSearchPage {
  /** By the ends of their blocks, newest first; those of one instance in the reverse of their order. */
  readonly lines: readonly FoundLine[];
  /** `undefined` at the end of the output. */
  readonly next: SearchPlace | undefined;
}

/** Blocks whose words are read at once: few at first, as many searches end with the newest lines. */
const LOOK_FIRST = 16;
const LOOK_MAX = 256;
/** Blocks that are read at once, and their text. */
const READ_BLOCKS_MAX = 16;
const READ_BYTES_MAX = 1_048_576;

/** Searches until there are enough lines, the work of one call is done, or the output ends. */
export async function searchLogLines(db: Reads, search: LogSearch): Promise<LogSearchPage> {
  const found: FoundLine[] = [];
  let [looked, bytes, at] = [0, 0, LOOK_FIRST];
  const { bounds } = search;
  let batch: BlockHead[] = [];
  const look = async (): Promise<SearchPlace | undefined> => {
    const candidates = await candidatesOf(db, search, batch);
    looked += batch.length;
    [batch, at] = [[], Math.min(LOOK_MAX, at * 2)];
    while (candidates.length > 0) {
      const heads = takeBatch(candidates);
      bytes += heads.reduce((sum, each) => sum + each.sizeBytes, 0);
      const next = await collect(db, search, heads, found);
      if (next !== undefined) return next;
      if (candidates[0] !== undefined && (bytes >= bounds.bytesMax || bounds.isOver())) {
        return { ...placeOf(candidates[0]), skip: 0 };
      }
    }
    return undefined;
  };
  for await (const head of headsOf(db, search)) {
    if (batch.length === at) {
      const next = await look();
      if (next !== undefined) return { lines: found, next };
      if (looked >= bounds.blocksMax || bytes >= bounds.bytesMax || bounds.isOver()) {
        return { lines: found, next: { ...placeOf(head), skip: 0 } };
      }
    }
    batch.push(head);
  }
  return { lines: found, next: await look() };
}

/** The blocks that may have a match. By primary key of their words. */
async function candidatesOf(db: Reads, search: LogSearch, batch: readonly BlockHead[]): Promise<BlockHead[]> {
  const { instance = "", text, level } = search;
  const heads = batch.filter((each) => each.instance.startsWith(instance));
  const probes = text?.probes ?? [];
  if (probes.length === 0 && level === undefined) return heads;
  const levels = level === undefined ? undefined : maskFrom(level);
  const excluded = new Set<string>();
  for (const [deploymentId, each] of Map.groupBy(heads, (head) => head.deploymentId)) {
    // In the order of the heads, the first is the newest.
    const [last, first] = [each.at(0)?.timeNs ?? "", each.at(-1)?.timeNs ?? ""];
    const rows = await db.read((reader) =>
      reader.selectFrom("log_block_words")
        .select(["last_time_ns", "region", "instance", "last_ordinal", "levels"])
        .select(probes.map(({ position }, n) => byteAt(position).as(`byte${n}`)))
        .where("deployment_id", "=", deploymentId).where("last_time_ns", ">=", first)
        .where("last_time_ns", "<=", last)
        .$if(search.region !== undefined, (query) => query.where("region", "=", search.region ?? ""))
        .execute()
    );
    for (const row of rows) {
      const { last_time_ns: timeNs, region, last_ordinal: ordinal } = row;
      const hasLevel = levels === undefined || (row.levels & levels) !== 0;
      if (hasLevel && probes.every(({ mask }, n) => ((row[`byte${n}`]?.[0] ?? 0) & mask) !== 0)) continue;
      excluded.add(keyOf({ deploymentId, timeNs, region, instance: row.instance, ordinal }));
    }
  }
  return heads.filter((head) => !excluded.has(keyOf(head)));
}

/** A byte of the filter, which stays in the database. */
function byteAt(position: number) {
  return sql<Uint8Array>`substr(words, ${position} % length(words) + 1, 1)`;
}

/** Adds the matching lines of these blocks. Returns the place of the first one that no longer fits. */
async function collect(
  db: Reads,
  search: LogSearch,
  heads: readonly BlockHead[],
  found: FoundLine[],
): Promise<SearchPlace | undefined> {
  const { from, limit } = search;
  const blocks = await readBlocks(db, heads);
  for (const head of heads) {
    const lines = (blocks.get(keyOf(head)) ?? []).filter((line) => matches(search, line)).reverse();
    const skip = from !== undefined && compareBlocks(head, from) === 0 ? from.skip : 0;
    for (const [n, line] of lines.entries()) {
      if (n < skip) continue;
      if (found.length === limit) return { ...placeOf(head), skip: n };
      found.push({ ...line, deploymentId: head.deploymentId });
    }
  }
  return undefined;
}

function matches({ since = "", until, text, level }: LogSearch, line: LogLine): boolean {
  if (line.timeNs < since || until !== undefined && line.timeNs >= until) return false;
  if (text !== undefined && !text.matches(line.text)) return false;
  return level === undefined || isAtLeast(readLine(line.text).level, level);
}

/** By primary key. */
async function readBlocks(db: Reads, heads: readonly BlockHead[]): Promise<ReadonlyMap<string, LogLine[]>> {
  const blocks = new Map<string, LogLine[]>();
  for (const [deploymentId, each] of Map.groupBy(heads, (head) => head.deploymentId)) {
    const rows = await db.read((reader) =>
      reader.selectFrom("log_blocks").select(["region", "instance", "last_time_ns", "last_ordinal", "body"])
        .where("deployment_id", "=", deploymentId)
        .where((eb) =>
          eb.or(each.map((head) =>
            eb.and([
              eb("region", "=", head.region),
              eb("instance", "=", head.instance),
              eb("last_time_ns", "=", head.timeNs),
              eb("last_ordinal", "=", head.ordinal),
            ])
          ))
        ).execute()
    );
    for (const row of rows) {
      const { region, instance, last_time_ns: timeNs, last_ordinal: ordinal } = row;
      blocks.set(keyOf({ deploymentId, timeNs, region, instance, ordinal }), decodeBlock(row));
    }
  }
  return blocks;
}

function takeBatch(heads: BlockHead[]): BlockHead[] {
  let bytes = 0;
  const end = heads.findIndex(({ sizeBytes }, n) => {
    bytes += sizeBytes;
    return n === READ_BLOCKS_MAX || n > 0 && bytes > READ_BYTES_MAX;
  });
  return heads.splice(0, end < 0 ? heads.length : end);
}

function placeOf({ timeNs, deploymentId, region, instance, ordinal }: BlockPlace): BlockPlace {
  return { timeNs, deploymentId, region, instance, ordinal };
}

function keyOf({ timeNs, deploymentId, region, instance, ordinal }: BlockPlace): string {
  return [deploymentId, timeNs, region, instance, ordinal].join("\n");
}
