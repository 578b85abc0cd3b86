import { join } from "node:path";
import { publicFault } from "../fault/mod.ts";
import { Breather } from "./breather.ts";
import type { IgnoreMatcher, Verdict } from "./matcher.ts";

/** One thing that belongs to the build context. */
export interface Entry {
  /** Relative to the context, with slashes. */
  readonly path: string;
  readonly kind: "file" | "folder" | "link";
  /** Permission bits. */
  readonly mode: number;
  /** Bytes of a file; 0 for the rest. */
  readonly size: number;
  /** What a link points to, as it is written. */
  readonly target: string;
  /** Changes whenever the content may have changed. */
  readonly stamp: string;
  /** When the file or its attributes last changed, milliseconds since the epoch. */
  readonly changedAtMs: number;
}

/**
 * Everything below `root` that the matcher keeps, each folder before what is in it and in the order of code units, so
 * that the same tree gives the same list. Links are listed and never followed. An ignored folder is listed when
 * something below it is kept.
 *
 * @throws `failed_precondition` naming what cannot be read or is no file, folder or link
 */
export async function listContext(
  root: string,
  matcher: IgnoreMatcher,
  signal: AbortSignal,
): Promise<readonly Entry[]> {
  const breather = new Breather(signal);
  const entries: Entry[] = [];

  const visit = async (
    folder: string,
    parent: Verdict | undefined,
    pending: readonly Entry[],
  ): Promise<void> => {
    // Folders that are ignored themselves wait here until something below them is kept.
    let waiting = pending;
    const keep = (entry: Entry): void => {
      entries.push(...waiting, entry);
      waiting = [];
    };
    for (const name of namesIn(root, folder)) {
      await breather.rest();
      const path = folder === "" ? name : `${folder}/${name}`;
      const verdict = matcher.match(path, parent);
      const info = verdict.ignored ? ignoredFolder(root, path, matcher) : lstat(root, path);
      if (info === undefined) continue;
      const entry = toEntry(root, path, info);
      if (!verdict.ignored) keep(entry);
      if (entry.kind !== "folder") continue;
      const before = entries.length;
      await visit(path, verdict, verdict.ignored ? [...waiting, entry] : []);
      if (verdict.ignored && entries.length > before) waiting = [];
    }
  };

  await visit("", undefined, []);
  return entries;
}

/** An ignored folder below which something may be kept. */
function ignoredFolder(root: string, path: string, matcher: IgnoreMatcher): Deno.FileInfo | undefined {
  if (matcher.prunes(path)) return undefined;
  const info = lstat(root, path);
  return info.isDirectory ? info : undefined;
}

function namesIn(root: string, folder: string): readonly string[] {
  try {
    return Array.from(Deno.readDirSync(join(root, folder)), (each) => each.name).sort(byCodeUnits);
  } catch (error) {
    throw unreadable(folder, error);
  }
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function lstat(root: string, path: string): Deno.FileInfo {
  try {
    return Deno.lstatSync(join(root, path));
  } catch (error) {
    if (path.includes("\uFFFD")) {
      const text = `The name of "${path}" is not UTF-8. Rename it, or exclude its folder in .dockerignore.`;
      throw publicFault("failed_precondition", text, error);
    }
    throw unreadable(path, error);
  }
}

const PERMISSIONS = 0o7777;

function toEntry(root: string, path: string, info: Deno.FileInfo): Entry {
  const changedAtMs = Math.max(info.ctime?.getTime() ?? 0, info.mtime?.getTime() ?? 0);
  const stamp = [info.dev, info.ino, info.mtime?.getTime(), info.ctime?.getTime()].join(":");
  const common = { path, mode: (info.mode ?? 0o644) & PERMISSIONS, stamp, changedAtMs };
  if (info.isSymlink) {
    return { ...common, kind: "link", size: 0, mode: 0o777, target: Deno.readLinkSync(join(root, path)) };
  }
  if (info.isDirectory) return { ...common, kind: "folder", size: 0, target: "" };
  if (info.isFile) return { ...common, kind: "file", size: info.size, target: "" };
  const kind = info.isSocket ? "a socket" : info.isFifo ? "a named pipe" : "a device";
  const text = `"${path}" is ${kind}, which cannot be part of a build context. Exclude it in .dockerignore.`;
  throw publicFault("failed_precondition", text);
}

/** What to say about a path that the system does not let us read. */
export function unreadable(path: string, error: unknown): Error {
  const shown = path === "" ? "The folder" : `"${path}"`;
  const why = error instanceof Deno.errors.PermissionDenied
    ? "you lack the permission. Change it, or exclude the path in .dockerignore."
    : `${error instanceof Error ? error.message : String(error)}. Try again.`;
  return publicFault("failed_precondition", `${shown} cannot be read: ${why}`, error);
}
