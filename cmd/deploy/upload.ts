import { pipeline } from "node:stream/promises";
import type { Process } from "../../pkg/cli/mod.ts";
import type { Clock } from "../../pkg/clock/mod.ts";
import {
  type OutgoingProxy,
  prepareRequest,
  proxyFor,
  proxyRefusal,
  proxyUnreachable,
} from "../../pkg/egress/mod.ts";
import { type Fault, isFault, publicFault } from "../../pkg/fault/mod.ts";
import { retry } from "../../pkg/retry/mod.ts";

/** Bytes and the URL that takes them. */
export interface UploadOptions {
  readonly bytes: Uint8Array;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A further authority to trust, in PEM. */
  readonly authority?: string | undefined;
  /** Where `HTTP_PROXY` and its relatives are read. */
  readonly env: Process["env"];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called with the bytes of the current attempt that left this process. */
  readonly onSent?: (bytes: number) => void;
  /** Limit without a byte in either direction, after which an attempt is lost; a minute by default. */
  readonly idleMs?: number;
}

const ATTEMPTS_MAX = 4;
const IDLE_MS = 60_000;
const PIECE_BYTES = 64 * 1024;
const ANSWER_CHARACTERS_MAX = 2_000;

/**
 * Sends the bytes, and repeats it on network trouble and server errors. It goes through the proxy that
 * the environment names for the URL. Not by `fetch`, which announces no length for a stream, as signed URLs demand.
 *
 * @throws `failed_precondition` when the store or the proxy refuses them, `unavailable` when one of them could not be
 * reached
 */
export async function upload(options: UploadOptions): Promise<void> {
  const { clock, signal, env } = options;
  const url = new URL(options.url);
  const proxy = proxyFor(url, env);
  await retry(() => attempt(options, url, proxy), {
    clock,
    signal,
    attemptsMax: ATTEMPTS_MAX,
    firstMs: 500,
    maxMs: 8_000,
    retryable: (error) => isFault(error, "unavailable"),
  });
}

async function attempt(options: UploadOptions, url: URL, proxy: OutgoingProxy | undefined): Promise<void> {
  const { status, text } = await put(options, url, proxy).catch((error: unknown) => {
    options.signal.throwIfAborted();
    if (isFault(error)) throw error;
    const unreachable = proxy === undefined ? undefined : proxyUnreachable(proxy, url, error);
    if (unreachable !== undefined) throw unreachable;
    const through = proxy === undefined ? "" : ` through the proxy ${proxy.name}`;
    const why = error instanceof Error ? error.message : String(error);
    throw publicFault("unavailable", `The upload${through} broke off: ${why}. Try again.`, error);
  });
  if (status >= 200 && status < 300) return;
  if (proxy !== undefined && status === 407) throw proxyRefusal(proxy, url, status);
  const plain = proxy !== undefined && url.protocol === "http:";
  const who = plain ? `The object store, or the proxy ${proxy.name} before it,` : "The object store";
  throw refused(who, status, text);
}

async function put(
  { bytes, headers, authority, signal, onSent = () => undefined, idleMs = IDLE_MS }: UploadOptions,
  url: URL,
  proxy: OutgoingProxy | undefined,
): Promise<{ status: number; text: string }> {
  const prepared = await prepareRequest(url, proxy, { signal, timeoutMs: idleMs, authority });
  return await new Promise((resolve, reject) => {
    const request = prepared.request({
      ...prepared.options,
      method: "PUT",
      headers: { ...headers, ...prepared.options.headers, "content-length": String(bytes.length) },
      signal,
    }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => text = (text + chunk).slice(0, ANSWER_CHARACTERS_MAX));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    // Not by the option of this name, which counts for nothing on a connection that was made beforehand.
    request.setTimeout(idleMs, () => request.destroy(new Error(`nothing moved for ${idleMs / 1000} s`)));
    request.on("error", reject);
    pipeline(pieces(bytes, onSent), request).catch(reject);
  });
}

/** In pieces, so that a slow connection counts as moving. */
function* pieces(bytes: Uint8Array, onSent: (bytes: number) => void): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    onSent(at);
    yield bytes.subarray(at, at + PIECE_BYTES);
  }
}

function refused(who: string, status: number, text: string): Fault {
  const detail = text.trim() === "" ? "" : `: ${text.trim().slice(0, 300)}`;
  if (status >= 500 || status === 429) {
    return publicFault("unavailable", `${who} answered ${status}${detail}. Try again in a moment.`);
  }
  return publicFault(
    "failed_precondition",
    `${who} refused the upload with ${status}${detail}. Deploy again: the upload gets a new URL then.`,
  );
}
