import { join } from "node:path";
import { publicFault } from "../fault/mod.ts";
import { CooperativeYield } from "../async/mod.ts";
import { type AttributeReader, type Attributes, openAttributeReader } from "./lstat.ts";
import type { IgnoreMatcher, Verdict } from "./matcher.ts";

/** One thing that belongs to the build context. */
export interface Entry {
  /** Relative to the context, with slashes. */
  readonly path: string;
  readonly kind: "file" | "folder" | "link" | "hard_link" | "pipe" | "socket";
  /** Permission bits. */
  readonly mode: number;
  /** Bytes of a file; 0 for the rest. */
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly modifiedAtNs: bigint;
  /** Of a link its target as written, of a hard link the path of an entry before it; else empty. */
  readonly target: string;
  /** Changes whenever the content may have changed. */
  readonly stamp: string;
  /** When the file or its attributes last changed, milliseconds since the epoch. */
  readonly changedAtMs: number;
}

/**
 * Everything below `root` that the matcher keeps, each folder before what is in it and in the order of the names' bytes, so
 * that the same tree gives the same list. Links are listed and never followed. An ignored folder is listed when
 * something below it is kept. Paths that vanish meanwhile are left out.
 *
 * @param os `Deno.build.os`: on Windows, links are written with backslashes, and nothing has permission bits
 * @throws `failed_precondition` naming what cannot be read or is a device
 */
export async function listContext(
  root: string,
  matcher: IgnoreMatcher,
  signal: AbortSignal,
  os: string = Deno.build.os,
): Promise<readonly Entry[]> {
  const cooperativeYield = new CooperativeYield(signal);
  const entries: Entry[] = [];
  using reader = openAttributeReader(os);
  const tree = new Tree(root, reader, os);

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
    for (const name of tree.namesIn(folder)) {
      await cooperativeYield.pause();
      const path = folder === "" ? name : `${folder}/${name}`;
      const verdict = matcher.match(path, parent);
      const entry = verdict.ignored
        ? matcher.prunes(path, verdict) ? undefined : tree.folderAt(path)
        : tree.entryAt(path);
      if (entry === undefined) continue;
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

/** A tree as it is found; remembers which files were listed already, to recognise their other names. */
class Tree {
  readonly #root: string;
  readonly #reader: AttributeReader;
  readonly #os: string;
  /** The first path of each file that has several. */
  readonly #firstPaths = new Map<string, string>();

  constructor(root: string, reader: AttributeReader, os: string) {
    this.#os = os;
    this.#root = root;
    this.#reader = reader;
  }

  namesIn(folder: string): readonly string[] {
    try {
      const names = Array.from(Deno.readDirSync(join(this.#root, folder)), (each) => each.name);
      return names.some((name) => SURROGATE.test(name)) ? names.sort(byBytes) : names.sort();
    } catch (error) {
      if (folder !== "" && isGone(error)) return [];
      throw unreadable(folder, error);
    }
  }

  /** `undefined`: not there any more. */
  entryAt(path: string): Entry | undefined {
    const found = this.#lstat(path);
    return found === undefined ? undefined : this.#toEntry(path, found);
  }

  /** `undefined` for everything but a folder. */
  folderAt(path: string): Entry | undefined {
    const found = this.#lstat(path);
    return found?.kind === "folder" ? this.#toEntry(path, found) : undefined;
  }

  #lstat(path: string): Attributes | undefined {
    try {
      return this.#reader.lstat(join(this.#root, path));
    } catch (error) {
      if (path.includes("\uFFFD")) {
        const text = `The name of "${path}" is not UTF-8. Rename it, or exclude its folder in .dockerignore.`;
        throw publicFault("failed_precondition", text, error);
      }
      if (isGone(error)) return undefined;
      throw unreadable(path, error);
    }
  }

  #toEntry(path: string, found: Attributes): Entry | undefined {
    const { kind, mode, size, modifiedAtNs, changedAtNs, identity, links } = found;
    const changedAtMs = Number((changedAtNs > modifiedAtNs ? changedAtNs : modifiedAtNs) / NS_PER_MS);
    const stamp = stampOf(found);
    const common = { path, mode, size: 0, modifiedAtNs, target: "", stamp, changedAtMs };
    switch (kind) {
      case "folder":
      case "pipe":
        return { ...common, kind };
      case "file":
      case "socket": {
        const first = links > 1 ? this.#firstPaths.get(identity) : undefined;
        if (first !== undefined) return { ...common, kind: "hard_link", target: first };
        if (links > 1) this.#firstPaths.set(identity, path);
        return { ...common, kind, size: kind === "file" ? size : 0 };
      }
      case "link": {
        const target = this.#readLink(path);
        return target === undefined ? undefined : { ...common, kind, mode: LINK_MODE, target };
      }
      case "device":
        throw publicFault(
          "failed_precondition",
          `"${path}" is a device, which cannot be part of a build context. Exclude it in .dockerignore.`,
        );
    }
  }

  #readLink(path: string): string | undefined {
    try {
      const target = Deno.readLinkSync(join(this.#root, path));
      return this.#os === "windows" ? target.replaceAll("\\", "/") : target;
    } catch (error) {
      if (isGone(error)) return undefined;
      throw unreadable(path, error);
    }
  }
}

/** Changes whenever the content may have changed. */
export function stampOf({ identity, modifiedAtNs, changedAtNs }: Attributes): string {
  return `${identity}:${modifiedAtNs}:${changedAtNs}`;
}

const NS_PER_MS = 1_000_000n;
/** Of links everywhere: no system looks at it. */
const LINK_MODE = 0o777;

const SURROGATE = /[\ud800-\udfff]/;

/** The order of the names' UTF-8, which differs from that of their code units where surrogates are concerned. */
function byBytes(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let at = 0; at < end; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates come behind all other units. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** True for the error of a path that is gone. */
export function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

/** The error for a path that the system does not let us read. */
export function unreadable(path: string, error: unknown): Error {
  const shown = path === "" ? "The folder" : `"${path}"`;
  const why = error instanceof Deno.errors.PermissionDenied
    ? "you lack the permission. Change it, or exclude the path in .dockerignore."
    : `${error instanceof Error ? error.message : String(error)}. Try again.`;
  return publicFault("failed_precondition", `${shown} cannot be read: ${why}`, error);
}
