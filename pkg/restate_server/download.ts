import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { createTarDecoder } from "modern-tar";
import { IdleAbort } from "../async/mod.ts";
import type { Clock } from "../clock/mod.ts";
import { Fault, publicFault } from "../fault/mod.ts";
import { newDnsName } from "../uid/mod.ts";
import type { Release } from "./release.ts";

export interface DownloadProgress {
  readonly receivedBytes: number;
  /** `undefined` when the registry does not say. */
  readonly totalBytes: number | undefined;
}

export interface DownloadOptions {
  readonly url: string;
  readonly release: Release;
  /** Where the binary goes. */
  readonly path: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: ((progress: DownloadProgress) => void) | undefined;
}

/** The binary inside the package. */
const BINARY = "package/bin/restate-server";
/** Three times what the tarball has today. */
const TARBALL_BYTES_MAX = 256 * 1024 * 1024;
const BINARY_BYTES_MAX = 1024 * 1024 * 1024;
/** A connection on which nothing arrives for this long is dead. */
const IDLE_MS_MAX = 30_000;

/**
 * Puts the binary of `release` at `path`. It appears there whole or not at all, and only when the tarball's hash is the
 * pinned one; several processes may do this at once.
 *
 * @throws `failed_precondition` for another hash or a package without the binary, `unavailable` when it cannot be fetched
 */
export async function download(options: DownloadOptions): Promise<void> {
  const folder = dirname(options.path);
  await Deno.mkdir(folder, { recursive: true });
  const tarball = join(folder, `.${newDnsName(16)}.tgz`);
  const binary = join(folder, `.${newDnsName(16)}`);
  try {
    await fetchTarball(tarball, options);
    await unpackBinary(tarball, binary);
    await Deno.chmod(binary, 0o755);
    await Deno.rename(binary, options.path);
  } finally {
    await Deno.remove(tarball).catch(() => undefined); // it may not have been made
    await Deno.remove(binary).catch(() => undefined); // gone after the rename
  }
}

async function fetchTarball(path: string, options: DownloadOptions): Promise<void> {
  const { url, release, clock, signal, onProgress } = options;
  const error = (): Error => new Error("nothing arrived");
  using idle = new IdleAbort({ clock, idleMs: IDLE_MS_MAX, signal, error });
  try {
    const response = await fetch(url, { signal: idle.signal });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw publicFault(
        "unavailable",
        `Cannot get Restate's server: ${url} answered ${response.status}. ${HINT}`,
      );
    }
    const totalBytes = Number(response.headers.get("content-length")) || undefined;
    const hash = createHash("sha512");
    let receivedBytes = 0;
    using file = await Deno.open(path, { write: true, createNew: true });
    for await (const chunk of response.body) {
      idle.reset();
      receivedBytes += chunk.length;
      if (receivedBytes > TARBALL_BYTES_MAX) break;
      hash.update(chunk);
      for (let done = 0; done < chunk.length;) done += await file.write(chunk.subarray(done));
      onProgress?.({ receivedBytes, totalBytes });
    }
    if (hash.digest("base64") !== release.sha512) {
      throw publicFault(
        "failed_precondition",
        `What ${url} delivered is not the ${release.packageName} that this version trusts, so it was thrown away. ` +
          "Check the registry and what is between it and this machine.",
      );
    }
  } catch (error) {
    if (error instanceof Fault) throw error;
    if (signal.aborted) throw new Fault("cancelled", `Gave up the download of ${url}`, { cause: error });
    const text = `Cannot get Restate's server from ${url}. ${HINT}`;
    throw new Fault("unavailable", text, { publicMessage: text, cause: error });
  }
}

const HINT = "Check the network and NPM_CONFIG_REGISTRY; behind a company's certificate authority " +
  "set DENO_TLS_CA_STORE=system,mozilla.";

async function unpackBinary(tarball: string, path: string): Promise<void> {
  using source = await Deno.open(tarball);
  using binary = await Deno.open(path, { write: true, createNew: true });
  const archive = chunksOf(source).pipeThrough(new DecompressionStream("gzip"));
  for await (const { header, body } of archive.pipeThrough(createTarDecoder({ strict: true }))) {
    const isWanted = header.name === BINARY && header.size > 0 && header.size <= BINARY_BYTES_MAX;
    // Other entries are read, too: in modern-tar 0.8.6 cancelling a body may stop the one after it for ever.
    for await (const chunk of body) {
      for (let done = 0; isWanted && done < chunk.length;) done += await binary.write(chunk.subarray(done));
    }
    if (isWanted) return await binary.sync();
  }
  throw publicFault("failed_precondition", `The package of Restate's server does not contain ${BINARY}.`);
}

const CHUNK_BYTES = 256 * 1024;

/** Unlike `file.readable` this leaves the file to its owner, who closes it whatever happens. */
function chunksOf(file: Deno.FsFile): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller): Promise<void> {
      const chunk = new Uint8Array(CHUNK_BYTES);
      const read = await file.read(chunk);
      if (read === null) controller.close();
      else controller.enqueue(chunk.subarray(0, read));
    },
  });
}
