import { statfs } from "node:fs/promises";

/** The bytes that a process of a common user can still write below `path`; `undefined` where nothing tells. */
export async function bytesFree(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    // The folder is not there, or not on this machine.
    return undefined;
  }
}
