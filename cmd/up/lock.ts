import { publicFault } from "../../pkg/fault/mod.ts";
import { processIdentity } from "../../pkg/restate_server/mod.ts";

/** A data folder that is ours until `release`. */
export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Claims a data folder for this process. The claim ends with the process, however it ends.
 *
 * @throws `failed_precondition` naming the process that has it
 */
export async function lockFolder(path: string, folder: string): Promise<FolderLock> {
  const identity = await processIdentity(Deno.pid);
  // The file's own lock is held only while the claim is read and written, so that two starts cannot both succeed.
  using file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
  await file.lock(true);
  const holder = parse(await readAll(file));
  if (
    holder !== undefined && holder.pid !== Deno.pid &&
    await processIdentity(holder.pid) === holder.identity
  ) {
    throw publicFault(
      "failed_precondition",
      `unkey up already runs on ${folder} (process ${holder.pid}). ` +
        `Stop it with Ctrl-C or "kill ${holder.pid}", or choose another folder with --data-dir.`,
    );
  }
  await write(file, JSON.stringify({ pid: Deno.pid, identity }));
  return {
    async release(): Promise<void> {
      using mine = await Deno.open(path, { read: true, write: true });
      await mine.lock(true);
      if (parse(await readAll(mine))?.pid === Deno.pid) await write(mine, "");
    },
  };
}

async function write(file: Deno.FsFile, text: string): Promise<void> {
  await file.truncate(0);
  await file.seek(0, Deno.SeekMode.Start);
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}

const CLAIM_BYTES_MAX = 4096;

async function readAll(file: Deno.FsFile): Promise<string> {
  const bytes = new Uint8Array(CLAIM_BYTES_MAX);
  const read = await file.read(bytes) ?? 0;
  return new TextDecoder().decode(bytes.subarray(0, read));
}

function parse(text: string): { readonly pid: number; readonly identity: string } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("pid" in value) || !("identity" in value)) {
      return undefined;
    }
    const { pid, identity } = value;
    return typeof pid === "number" && typeof identity === "string" ? { pid, identity } : undefined;
  } catch {
    return undefined; // empty after a release, or torn by a crash: the lock is free
  }
}
