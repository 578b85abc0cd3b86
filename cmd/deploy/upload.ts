import { createReadStream } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { pipeline } from "node:stream/promises";
import { Transform } from "node:stream";
import type { Clock } from "../../pkg/clock/mod.ts";
import { Fault, isFault, publicFault } from "../../pkg/fault/mod.ts";
import { retry } from "../../pkg/retry/mod.ts";

/** A file and the URL that takes it. */
export interface UploadOptions {
  readonly file: string;
  readonly sizeBytes: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called as bytes leave; starts again from 0 when the upload is repeated. */
  readonly onProgress: (sentBytes: number) => void;
}

const ATTEMPTS_MAX = 4;
const IDLE_MS = 60_000;
const ANSWER_CHARACTERS_MAX = 2_000;

/**
 * Sends the file, streamed from disk, and repeats it on network trouble and server errors.
 *
 * @throws `failed_precondition` when the store refuses the file, `unavailable` when it could not be reached
 */
export async function upload(options: UploadOptions): Promise<void> {
  const { clock, signal } = options;
  await retry(() => attempt(options), {
    clock,
    signal,
    attemptsMax: ATTEMPTS_MAX,
    firstMs: 500,
    maxMs: 8_000,
    retryable: (error) => isFault(error, "unavailable"),
  });
}

async function attempt(options: UploadOptions): Promise<void> {
  const { file, sizeBytes, url, headers, signal, onProgress } = options;
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const send = new URL(url).protocol === "https:" ? httpsRequest : httpRequest;
    const request = send(url, {
      method: "PUT",
      headers: { ...headers, "content-length": String(sizeBytes) },
      signal,
      timeout: IDLE_MS,
    }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => text = (text + chunk).slice(0, ANSWER_CHARACTERS_MAX));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error(`nothing moved for ${IDLE_MS / 1000} s`)));
    request.on("error", reject);
    let sent = 0;
    const meter = new Transform({
      transform(chunk: Uint8Array, _encoding, done): void {
        sent += chunk.length;
        onProgress(sent);
        done(null, chunk);
      },
    });
    pipeline(createReadStream(file), meter, request).catch(reject);
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    throw publicFault("unavailable", `The upload broke off: ${why}. Try again.`, error);
  });
  if (status >= 200 && status < 300) return;
  throw refused(status, text);
}

function refused(status: number, text: string): Fault {
  const detail = text.trim() === "" ? "" : `: ${text.trim().slice(0, 300)}`;
  if (status >= 500 || status === 429) {
    return publicFault("unavailable", `The object store answered ${status}${detail}. Try again in a moment.`);
  }
  return publicFault(
    "failed_precondition",
    `The object store refused the upload with ${status}${detail}. Deploy again: the upload gets a new URL then.`,
  );
}
