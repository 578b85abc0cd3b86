import { createHash } from "node:crypto";
import { IdleAbort } from "../async/mod.ts";
import type { Clock } from "../clock/mod.ts";
import { Fault, publicFault } from "../fault/mod.ts";

export interface DownloadProgress {
  readonly receivedBytes: number;
  /** `undefined` when the server does not say. */
  readonly totalBytes: number | undefined;
}

export interface DownloadOptions {
  readonly url: string;
  /** A new file, which holds part of the content when the download fails. */
  readonly path: string;
  readonly hash: { readonly algorithm: "sha256" | "sha512"; readonly hex: string };
  readonly bytesMax: number;
  /** The file in the texts of errors, e.g. `Restate's server`. */
  readonly subject: string;
  /** The last sentence of errors of the network. */
  readonly advice: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly fetch?: typeof fetch;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

/** A connection on which nothing arrives for this long is dead. */
const IDLE_MS_MAX = 30_000;

/**
 * Downloads a file of a known hash.
 *
 * @throws `failed_precondition` for another hash, `unavailable` when it cannot be fetched, `cancelled`
 */
export async function downloadFile(options: DownloadOptions): Promise<void> {
  const { url, subject, advice, clock, signal } = options;
  const error = (): Error => new Error("nothing arrived");
  using idle = new IdleAbort({ clock, idleMs: IDLE_MS_MAX, signal, error });
  try {
    const response = await (options.fetch ?? fetch)(url, { signal: idle.signal });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw publicFault(
        "unavailable",
        `Cannot get ${subject}: ${url} answered ${response.status}. ${advice}`,
      );
    }
    if (await receive(response, response.body, idle, options) !== options.hash.hex) throw otherFile(options);
  } catch (error) {
    if (error instanceof Fault) throw error;
    if (signal.aborted) throw new Fault("cancelled", `Gave up the download of ${url}`, { cause: error });
    throw publicFault("unavailable", `Cannot get ${subject} from ${url}. ${advice}`, error);
  }
}

/** The hash of what arrived. */
async function receive(
  { headers }: Response,
  body: ReadableStream<Uint8Array>,
  idle: IdleAbort,
  { path, hash: { algorithm }, bytesMax, onProgress }: DownloadOptions,
): Promise<string> {
  const totalBytes = Number(headers.get("content-length")) || undefined;
  const hash = createHash(algorithm);
  let receivedBytes = 0;
  using file = await Deno.open(path, { write: true, createNew: true });
  for await (const chunk of body) {
    idle.reset();
    receivedBytes += chunk.length;
    if (receivedBytes > bytesMax) break;
    hash.update(chunk);
    for (let done = 0; done < chunk.length;) done += await file.write(chunk.subarray(done));
    onProgress?.({ receivedBytes, totalBytes });
  }
  return hash.digest("hex");
}

function otherFile({ url, subject }: DownloadOptions): Fault {
  return publicFault(
    "failed_precondition",
    `The file that ${url} delivered is not that of ${subject}: its hash is another one. It was thrown away. ` +
      "Check the server, and the proxies between it and this machine.",
  );
}
