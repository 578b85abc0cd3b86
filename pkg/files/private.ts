import { join } from "node:path";

const OTHERS = 0o077;

/**
 * Takes all rights on a folder, and on everything in it, from everyone but the owner. What another user owns is left as it is
 * when this process may not change it, and so is what is removed meanwhile; links are not followed.
 */
export async function keepPrivate(root: string): Promise<void> {
  // First the folder: from then on no other user gets to what is in it.
  await keepFilePrivate(root);
  for await (const entry of Deno.readDir(root)) {
    const path = join(root, entry.name);
    if (entry.isDirectory) await keepPrivate(path).catch(unlessGone);
    else if (entry.isFile) await keepFilePrivate(path).catch(unlessGone);
  }
}

/** The same for one file, or for a folder without what is in it. */
export async function keepFilePrivate(path: string): Promise<void> {
  const { mode } = await Deno.lstat(path);
  if (mode === null || (mode & OTHERS) === 0) return;
  try {
    await Deno.chmod(path, mode & 0o7777 & ~OTHERS);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable)) {
      throw error;
    }
  }
}

function unlessGone(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied)) throw error;
}
