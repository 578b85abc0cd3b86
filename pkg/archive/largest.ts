import type { Entry } from "./walk.ts";

/** A top-level path and what all files in it hold together. */
export interface Share {
  readonly path: string;
  readonly bytes: number;
}

const SHARES_MAX = 5;

/** The top-level paths that hold most, the largest first. */
export function largestShares(entries: readonly Entry[]): readonly Share[] {
  const bytes = new Map<string, number>();
  for (const { path, size } of entries) {
    const slash = path.indexOf("/");
    const top = slash < 0 ? path : path.slice(0, slash + 1);
    bytes.set(top, (bytes.get(top) ?? 0) + size);
  }
  return Array.from(bytes, ([path, bytes]) => ({ path, bytes }))
    .sort((a, b) => b.bytes - a.bytes || (a.path < b.path ? -1 : 1))
    .filter((each) => each.bytes > 0)
    .slice(0, SHARES_MAX);
}

/** The shares as lines of a message. */
export function describeShares(shares: readonly Share[]): string {
  const width = Math.max(0, ...shares.map((each) => formatBytes(each.bytes).length));
  return shares.map((each) => `  ${formatBytes(each.bytes).padStart(width)}  ${each.path}`).join("\n");
}

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** A size for people: `1 MiB`, `4.2 MiB`, `980 bytes`. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  const digits = unit === 0 || value >= 100 || Number.isInteger(value) ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ""}`;
}
