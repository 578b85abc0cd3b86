/** Lines that a search has found, oldest first: earlier ones come before them, and later ones behind. */
import type { FoundLogLine, SearchLogsResponse } from "../../../proto/gen/ctrl/v1/log_search_pb.ts";
import type { LogLine } from "../logs/buffer.ts";
import { linkOf } from "../logs/link.ts";
import { plain } from "../text/format.ts";

export interface FoundLine extends LogLine {
  readonly deploymentId: string;
  readonly region: string;
}

/** The page keeps no more of them. */
export const FOUND_MAX = 50_000;

export function foundLine(line: FoundLogLine): FoundLine {
  return {
    source: "app",
    origin: plain(line.instance),
    text: plain(line.text),
    isError: line.level === "error" || line.level === "fatal" || line.stream === "stderr",
    atMs: Number(line.time),
    sequence: 0,
    index: 0,
    deploymentId: line.deploymentId,
    region: plain(line.region),
  };
}

/** The lines of an answer, oldest first. */
export function linesOf({ lines }: SearchLogsResponse): FoundLine[] {
  return lines.map(foundLine).reverse();
}

/**
 * Adds the lines that were printed since `sinceMs`, as a search has found them now. Agents send their output every now and
 * then, so that lines come late: one that is here already is not added, and another one goes to its time.
 */
export function withNewer(
  lines: readonly FoundLine[],
  newer: readonly FoundLine[],
  sinceMs: number,
): readonly FoundLine[] {
  let first = lines.length;
  while (first > 0 && (lines[first - 1]?.atMs ?? 0) >= sinceMs) first--;
  const tail = lines.slice(first);
  const known = new Map<string, number>();
  for (const line of tail) known.set(keyOf(line), (known.get(keyOf(line)) ?? 0) + 1);
  const added = newer.filter((line) => {
    const left = known.get(keyOf(line)) ?? 0;
    known.set(keyOf(line), left - 1);
    return left <= 0;
  });
  if (added.length === 0) return lines;
  return [...lines.slice(0, first), ...[...tail, ...added].toSorted((a, b) => a.atMs - b.atMs)];
}

function keyOf(line: FoundLine): string {
  return `${line.deploymentId} ${line.region} ${linkOf(line)}`;
}
