/** A disk that loses at a power cut what no sync has written down. */
import { basename, dirname, join } from "node:path";
import type { Event } from "./trace.ts";

interface Inode {
  /** Survives whatever happens. */
  kept: Uint8Array;
  /** Since the last sync: each may be on the disk or not, whatever the others are. */
  readonly pending: ((content: Uint8Array) => Uint8Array)[];
}

/**
 * The files of one folder. A sync of a file keeps its content, and its name if the file is new, as ext4 and XFS do; a rename
 * and a removal are kept by a sync of the folder.
 */
export class Disk {
  readonly #folder: string;
  readonly #now = new Map<string, Inode>();
  readonly #kept = new Map<string, Inode>();
  /** Changes of names since the last sync of the folder, in order: a file system keeps the first ones, or more. */
  readonly #renames: ((names: Map<string, Inode>) => void)[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  apply(event: Event): void {
    if (event.kind === "said") return;
    if (event.kind === "sync" && event.path === this.#folder) return this.#syncFolder();
    if (dirname(event.path) !== this.#folder) return;
    const name = basename(event.path);
    switch (event.kind) {
      case "write":
        return void this.#inode(name).pending.push((content) => written(content, event.at, event.bytes));
      case "truncate":
        return void this.#inode(name).pending.push((content) => resized(content, event.size));
      case "sync":
        return this.#sync(name);
      case "remove":
        return this.#rename((names) => void names.delete(name));
      case "rename": {
        const inode = this.#inode(name);
        return this.#rename((names) => {
          names.delete(name);
          names.set(basename(event.to), inode);
        });
      }
    }
  }

  /** Writes into `folder` a state in which the power may have left the disk; `chance` says what was written of the rest. */
  async cut(folder: string, chance: () => boolean): Promise<void> {
    const names = new Map(this.#kept);
    for (const rename of this.#renames) {
      if (!chance()) break;
      rename(names);
    }
    for (const [name, { kept, pending }] of names) {
      const content = pending.reduce((content, write) => chance() ? write(content) : content, kept);
      await Deno.writeFile(join(folder, name), content);
    }
  }

  #inode(name: string): Inode {
    const known = this.#now.get(name) ?? { kept: new Uint8Array(), pending: [] };
    this.#now.set(name, known);
    return known;
  }

  #sync(name: string): void {
    const inode = this.#inode(name);
    inode.kept = inode.pending.reduce((content, write) => write(content), inode.kept);
    inode.pending.length = 0;
    if (!this.#kept.has(name)) this.#kept.set(name, inode);
  }

  #rename(change: (names: Map<string, Inode>) => void): void {
    change(this.#now);
    this.#renames.push(change);
  }

  #syncFolder(): void {
    for (const change of this.#renames) change(this.#kept);
    this.#renames.length = 0;
    for (const [name, inode] of this.#now) if (!this.#kept.has(name)) this.#kept.set(name, inode);
  }
}

function written(content: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  const next = resized(content, Math.max(content.length, at + bytes.length));
  next.set(bytes, at);
  return next;
}

function resized(content: Uint8Array, size: number): Uint8Array {
  const next = new Uint8Array(size);
  next.set(content.subarray(0, size));
  return next;
}
