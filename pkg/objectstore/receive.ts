import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import type { Clock } from "../clock/mod.ts";
import { Fault } from "../fault/mod.ts";
import { syncFolder } from "../files/mod.ts";
import { newDnsName } from "../uid/mod.ts";

/** Where an upload goes, and what it must be. */
export interface ReceiveOptions {
  readonly path: string;
  /** Folder for what is not whole yet; on the same file system as `path`. */
  readonly incoming: string;
  readonly sizeBytes: number | undefined;
  readonly sizeMaxBytes: number;
  /** Base64. */
  readonly checksumSha256: string | undefined;
  readonly clock: Clock;
}

/** An upload of which nothing arrives for this long is given up. */
const IDLE_MS_MAX = 60_000;
/** Leftovers of a crash are removed when they are older than any upload can take. */
const LEFTOVER_MS = 24 * 3_600_000;

/**
 * Streams `body` into a file, one chunk in memory at a time, and gives it its name only when it is whole, right and on
 * disk. Otherwise nothing stays.
 *
 * @throws `too_large` beyond `sizeMaxBytes`; `invalid_argument` for another size or checksum, or a body that breaks off
 */
export async function receive(
  body: ReadableStream<Uint8Array> | null,
  options: ReceiveOptions,
): Promise<void> {
  await Deno.mkdir(options.incoming, { recursive: true, mode: 0o700 });
  await removeLeftovers(options.incoming, options.clock);
  const temporary = join(options.incoming, newDnsName(24));
  try {
    await write(body, temporary, options);
    await Deno.mkdir(dirname(options.path), { recursive: true, mode: 0o700 });
    await Deno.rename(temporary, options.path);
    await syncFolder(dirname(options.path));
  } catch (error) {
    await Deno.remove(temporary).catch(() => undefined); // it may not have been made
    throw error;
  }
}

async function write(
  body: ReadableStream<Uint8Array> | null,
  path: string,
  options: ReceiveOptions,
): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of chunksOf(body, options.clock)) {
    size += chunk.length;
    if (size > options.sizeMaxBytes) throw new Fault("too_large", `more than ${options.sizeMaxBytes} bytes`);
    if (options.sizeBytes !== undefined && size > options.sizeBytes) break;
    hash.update(chunk);
    for (let done = 0; done < chunk.length;) done += await file.write(chunk.subarray(done));
  }
  if (options.sizeBytes !== undefined && size !== options.sizeBytes) {
    throw new Fault("invalid_argument", `The content must have exactly ${options.sizeBytes} bytes.`);
  }
  const digest = hash.digest("base64");
  if (options.checksumSha256 !== undefined && digest !== options.checksumSha256) {
    throw new Fault("invalid_argument", "The content does not have the SHA-256 checksum that was announced.");
  }
  await file.sync();
}

/** The chunks as they come; ends with `invalid_argument` when the client breaks off or stalls. */
async function* chunksOf(
  body: ReadableStream<Uint8Array> | null,
  clock: Clock,
): AsyncGenerator<Uint8Array, void, void> {
  if (body === null) return;
  const reader = body.getReader();
  const ended = new AbortController();
  let lastMs = clock.now();
  let stalled = false;
  const watch = async (): Promise<void> => {
    for (;;) {
      const leftMs = lastMs + IDLE_MS_MAX - clock.now();
      if (leftMs <= 0) break;
      await clock.sleep(leftMs, ended.signal);
    }
    stalled = true;
    await reader.cancel();
  };
  const watching = watch().catch(() => undefined); // the sleep ends with the upload
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (stalled) throw new Error(`nothing arrived for ${IDLE_MS_MAX} ms`);
      if (done) return;
      lastMs = clock.now();
      yield value;
    }
  } catch (error) {
    throw new Fault("invalid_argument", "The upload broke off.", { cause: error });
  } finally {
    ended.abort();
    await watching;
    await reader.cancel().catch(() => undefined); // nothing more is wanted, whatever the reason
  }
}

async function removeLeftovers(incoming: string, clock: Clock): Promise<void> {
  for await (const entry of Deno.readDir(incoming)) {
    const path = join(incoming, entry.name);
    const info = await Deno.stat(path).catch(() => undefined); // another upload may just have ended
    const changedMs = info?.mtime?.getTime() ?? Infinity;
    if (clock.now() - changedMs > LEFTOVER_MS) await Deno.remove(path).catch(() => undefined);
  }
}
