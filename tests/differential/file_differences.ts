import { createHash } from "node:crypto";
import type { ParsedTarEntryWithData } from "modern-tar";

/** Which times are the build's own. */
export interface LayerOptions {
  /** From here until now; milliseconds since the epoch. */
  readonly buildSinceMs: number;
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
  const [want, got] = [described(reference, options), described(ours, options)];
  const paths = [...new Set([...want.keys(), ...got.keys()])].filter((path) =>
    want.get(path) !== got.get(path)
  );
  const shown = paths.slice(0, SHOWN_MAX).map((path) =>
    `${JSON.stringify(path)}\n  docker build: ${want.get(path) ?? "-"}\n  ours:         ${
      got.get(path) ?? "-"
    }`
  );
  return paths.length > SHOWN_MAX ? [...shown, `and ${paths.length - SHOWN_MAX} more paths`] : shown;
}

function described(
  entries: readonly ParsedTarEntryWithData[],
  options: LayerOptions,
): ReadonlyMap<string, string> {
  return new Map(entries.map((entry) => [entry.header.name, describe(entry, options)]));
}

/** Everything that the archive of a layer says of an entry. */
function describe(
  { header, data }: ParsedTarEntryWithData,
  { buildSinceMs }: LayerOptions,
): string {
  const { type, mode = 0, uid, gid, uname, gname, size, mtime, linkname = "", pax = {} } = header;
  // The name is told already, and that of a link; a time of its own has more digits than the header's.
  const { path: _path, linkpath: _linkpath, mtime: precise, ...attributes } = pax;
  const time = precise ?? String((mtime?.getTime() ?? 0) / 1_000);
  const timeMs = Number(time) * 1_000;
  const byBuild = timeMs >= buildSinceMs - PRECISION_MS && timeMs <= Date.now();
  const content = data === undefined ? "" : createHash("sha256").update(data).digest("hex").slice(0, 16);
  return [
    type,
    mode.toString(8),
    `owner ${uid}:${gid} ${uname}:${gname}`,
    `${size} bytes ${content}`,
    byBuild ? "changed by the build" : `changed ${time}`,
    linkname === "" ? "" : `-> ${JSON.stringify(linkname)}`,
    Object.keys(attributes).length === 0 ? "" : JSON.stringify(attributes),
  ].filter((part) => part !== "").join(", ");
}
