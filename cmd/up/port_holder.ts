/** Which process listens on a port, by the kernel's tables. */
import { join } from "node:path";

const LISTENS = "0A";
/** Fields of a line of `/proc/net/tcp`. */
const LOCAL = 1;
const STATE = 3;
const INODE = 9;

/**
 * The process that listens on a TCP port, such as `nginx (process 812)`. `undefined` when it belongs to another user, or
 * when this system has no such tables.
 */
export async function portHolder(port: number, proc = "/proc"): Promise<string | undefined> {
  const sockets = new Set<string>();
  for (const table of ["tcp", "tcp6"]) {
    const text = await Deno.readTextFile(join(proc, "net", table)).catch(() => "");
    for (const inode of listeners(text, port)) sockets.add(`socket:[${inode}]`);
  }
  if (sockets.size === 0) return undefined;
  for await (const { name } of entries(proc)) {
    if (!/^\d+$/.test(name) || !await holds(join(proc, name, "fd"), sockets)) continue;
    const program = (await Deno.readTextFile(join(proc, name, "comm")).catch(() => "")).trim();
    return program === "" ? `process ${name}` : `${program} (process ${name})`;
  }
  return undefined;
}

function* listeners(table: string, port: number): Generator<string> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const line of table.split("\n")) {
    const fields = line.trim().split(/\s+/);
    if (fields[STATE] !== LISTENS || fields[LOCAL]?.endsWith(suffix) !== true) continue;
    const inode = fields[INODE];
    if (inode !== undefined) yield inode;
  }
}

async function holds(folder: string, sockets: ReadonlySet<string>): Promise<boolean> {
  for await (const { name } of entries(folder)) {
    const target = await Deno.readLink(join(folder, name)).catch(() => "");
    if (sockets.has(target)) return true;
  }
  return false;
}

/** The entries of a folder; none for one that is gone or of another user. */
async function* entries(folder: string): AsyncGenerator<Deno.DirEntry> {
  try {
    for await (const entry of Deno.readDir(folder)) yield entry;
  } catch {
    // A process that ended meanwhile, or another user's.
  }
}
