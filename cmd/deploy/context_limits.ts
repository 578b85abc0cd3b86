import { describeShares, type Entry, formatBytes, largestShares } from "../../pkg/archive/mod.ts";
import type { ContextLimits } from "../../proto/gen/ctrl/v1/upload_pb.ts";
import { DeployFailure } from "../shared/deploying/result.ts";

/** Paths that an error names. */
const PATHS_MAX = 5;

/** @throws `too_large` that names what to leave out */
export function refuseLarge(listed: readonly Entry[], limits: ContextLimits | undefined): void {
  if (limits === undefined) return;
  const entries = listed.filter(({ kind }) => kind !== "pipe" && kind !== "socket");
  const [bytesMax, filesMax] = [Number(limits.contentBytesMax), Number(limits.filesMax)];
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  if (bytes > bytesMax) {
    throw tooLarge(formatBytes(bytes), formatBytes(bytesMax), describeShares(largestShares(entries)));
  }
  if (entries.length > filesMax) {
    throw tooLarge(`${entries.length} files and folders`, String(filesMax), describeFullest(entries));
  }
}

function tooLarge(has: string, may: string, paths: string): DeployFailure {
  const text = `The folder has ${has}, and at most ${may} are allowed. It holds most in:\n${paths}\n` +
    "Exclude what the build does not need in .dockerignore.";
  return new DeployFailure("too_large", text);
}

/** The top-level paths that hold the most entries, as lines of a message. */
function describeFullest(entries: readonly Entry[]): string {
  const counts = new Map<string, number>();
  for (const { path, kind } of entries) {
    const slash = path.indexOf("/");
    const top = slash >= 0 ? path.slice(0, slash + 1) : kind === "folder" ? `${path}/` : path;
    counts.set(top, (counts.get(top) ?? 0) + 1);
  }
  const fullest = [...counts].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1));
  const shown = fullest.slice(0, PATHS_MAX);
  const width = Math.max(...shown.map(([, count]) => String(count).length));
  return shown.map(([path, count]) => `  ${String(count).padStart(width)}  ${path}`).join("\n");
}
