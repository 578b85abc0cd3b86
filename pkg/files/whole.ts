import { dirname } from "node:path";
import { newDnsName } from "../uid/mod.ts";

/**
 * Replaces a file as a whole, readable by its owner only from the first byte on. When this resolves, a power cut leaves the
 * new text; before, the old one or the new one, never a part.
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${newDnsName(8)}`;
  try {
    await writeSynced(temporary, text);
    await Deno.rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await Deno.remove(temporary).catch(() => undefined); // it may not have been made
    throw error;
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
  await file.sync();
}

/** Makes new names in a folder survive a power cut, where the system can. */
export async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path);
  await folder.sync();
}
