import { createHash } from "node:crypto";
import type { ParsedTarEntryWithData } from "modern-tar";

/** Which times are the build's own. */
export interface LayerOptions {
  /** From here until now; milliseconds since the epoch. */
  readonly buildSinceMs: number;
  /**
   * True when a file may be empty in the reference. Docker's client lists files by one meaning of the ignore rules and opens them
   * by another: after a rule like `*` that follows an exception it sends a file of no bytes in place of some files.
   */
  readonly contentMayBeLost?: boolean;
}

const SHOWN_MAX = 12;
/** Images keep whole seconds. */
const PRECISION_MS = 1_000;

/**
 * Paths whose entries differ, each with both sides; empty when the layers hold the same. Times that the build itself has given
 * are not compared: the folders of Docker 20.10 have no others.
 */
export function layerDifferences(
  reference: readonly ParsedTarEntryWithData[],
  ours: readonly ParsedTarEntryWithData[],
  options: LayerOptions,
): readonly string[] {
  const [want, got] = [byPath(reference), byPath(ours)];
  const differences = [...new Set([...want.keys(), ...got.keys()])].flatMap((path) => {
    const [theirs, own] = [want.get(path), got.get(path)];
    if (theirs !== undefined && own !== undefined && isSame(theirs, own, options)) return [];
    const [left, right] = [theirs, own].map((each) =>
      each === undefined ? "-" : describe(each, options).join(", ")
    );
    return [`${JSON.stringify(path)}\n  docker build: ${left}\n  ours:         ${right}`];
  });
  const more = differences.length - SHOWN_MAX;
  return more > 0 ? [...differences.slice(0, SHOWN_MAX), `and ${more} more paths`] : differences;
}

function byPath(entries: readonly ParsedTarEntryWithData[]): ReadonlyMap<string, ParsedTarEntryWithData> {
  return new Map(entries.map((entry) => [entry.header.name, entry]));
}

function isSame(
  reference: ParsedTarEntryWithData,
  ours: ParsedTarEntryWithData,
  options: LayerOptions,
): boolean {
  const [want, got] = [describe(reference, options), describe(ours, options)];
  const lost = options.contentMayBeLost === true && reference.header.type === "file" &&
    reference.header.size === 0;
  return want.every((each, at) => each === got[at] || (lost && at === CONTENT_AT));
}

/** Where `describe()` has the size and the content. */
const CONTENT_AT = 0;

/** Everything that the archive of a layer says of an entry. */
function describe(
  { header, data }: ParsedTarEntryWithData,
  { buildSinceMs }: LayerOptions,
): readonly string[] {
  const { type, mode = 0, uid, gid, uname, gname, size, mtime, linkname = "", pax = {} } = header;
  // The header has the name already, and that of a link; a time of its own has more digits than the header's.
  const { path: _path, linkpath: _linkpath, mtime: precise, ...attributes } = pax;
  const time = precise ?? String((mtime?.getTime() ?? 0) / 1_000);
  const timeMs = Number(time) * 1_000;
  const byBuild = timeMs >= buildSinceMs - PRECISION_MS && timeMs <= Date.now();
  const content = data === undefined ? "" : createHash("sha256").update(data).digest("hex").slice(0, 16);
  return [
    `${size} bytes ${content}`,
    String(type),
    mode.toString(8),
    `owner ${uid}:${gid} ${uname}:${gname}`,
    byBuild ? "changed by the build" : `changed ${time}`,
    `-> ${JSON.stringify(linkname)}`,
    JSON.stringify(attributes),
  ];
}
