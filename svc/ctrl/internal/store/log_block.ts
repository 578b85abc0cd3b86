/** Lines of output, and the form in which the database holds many of them as one value. */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { z } from "zod";

/** A line that an instance printed. */
export interface LogLine {
  readonly instance: string;
  readonly region: string;
  /** Decimal nanoseconds since the epoch, padded to 20 digits so that text sorts by time. */
  readonly timeNs: string;
  /** Tells apart lines of one instance with the same time. */
  readonly ordinal: number;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/**
 * Position of one reader, by `sourceOf`: instances ship their lines in order, but not in step with each other.
 */
export type LogCursor = ReadonlyMap<string, { readonly timeNs: string; readonly ordinal: number }>;

/** A block counts at least so much: its row and its keys take space too. */
export const BLOCK_BYTES_MIN = 256;
/** The text of a block, so that one read is a small piece of memory. One longer line is a block of its own. */
const BLOCK_CHARS_MAX = 256 * 1_024;
const TIME_DIGITS = 20;

/** Nanoseconds since the epoch as text that sorts by time. */
export function timeNsText(timeNs: bigint): string {
  return (timeNs < 0n ? 0n : timeNs).toString().padStart(TIME_DIGITS, "0");
}

/** The key of an instance: its name is unique in its region only. */
export function sourceOf({ region, instance }: Pick<LogLine, "region" | "instance">): string {
  return `${region}/${instance}`;
}

/** The order of lines: by time, then by instance, then as they were printed. */
export function compareLines(a: LogLine, b: LogLine): number {
  if (a.timeNs !== b.timeNs) return a.timeNs < b.timeNs ? -1 : 1;
  const [one, other] = [sourceOf(a), sourceOf(b)];
  if (one !== other) return one < other ? -1 : 1;
  return a.ordinal - b.ordinal;
}

/** The cursor behind these lines, given the cursor before them. */
export function advanceLogCursor(cursor: LogCursor, lines: readonly LogLine[]): LogCursor {
  const next = new Map(cursor);
  for (const line of lines) {
    if (isAfterCursor(next, line)) next.set(sourceOf(line), { timeNs: line.timeNs, ordinal: line.ordinal });
  }
  return next;
}

/** True when the line comes after the cursor. */
export function isAfterCursor(
  cursor: LogCursor,
  line: Pick<LogLine, "region" | "instance" | "timeNs" | "ordinal">,
): boolean {
  const { timeNs, ordinal } = line;
  const seen = cursor.get(sourceOf(line));
  return seen === undefined || timeNs > seen.timeNs || timeNs === seen.timeNs && ordinal > seen.ordinal;
}

/** Lines of one instance, in order, cut into blocks of bounded size. */
export function cutIntoBlocks(lines: readonly LogLine[]): readonly (readonly LogLine[])[] {
  const blocks: LogLine[][] = [];
  let chars = Infinity;
  for (const line of lines) {
    chars += line.text.length;
    if (chars > BLOCK_CHARS_MAX) {
      blocks.push([]);
      chars = line.text.length;
    }
    blocks.at(-1)?.push(line);
  }
  return blocks;
}

const Rows = z.array(z.tuple([z.string(), z.number(), z.enum(["stdout", "stderr"]), z.string()]));

/** Raw DEFLATE (RFC 1951) of JSON: time, ordinal, stream and text of each line. JSON keeps NUL, which SQLite's text does not. */
export function encodeBlock(lines: readonly LogLine[]): Uint8Array {
  const rows = lines.map(({ timeNs, ordinal, stream, text }): z.infer<typeof Rows>[number] => [
    timeNs,
    ordinal,
    stream,
    text,
  ]);
  return deflateRawSync(JSON.stringify(rows));
}

/** The lines of a stored block. */
export function decodeBlock(
  { instance, region, body }: {
    readonly instance: string;
    readonly region: string;
    readonly body: Uint8Array;
  },
): LogLine[] {
  const rows = Rows.parse(JSON.parse(inflateRawSync(body).toString()));
  return rows.map(([timeNs, ordinal, stream, text]) => ({ instance, region, timeNs, ordinal, stream, text }));
}
