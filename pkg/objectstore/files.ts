import { dirname, join } from "node:path";
import type { Clock } from "../clock/mod.ts";
import type { Secret } from "../secret/mod.ts";
import { Fault, isFault, publicFault } from "../fault/mod.ts";
import { bytesFree } from "../files/mod.ts";
import { sha256Hex } from "../hash/mod.ts";
import { checkKey } from "./key.ts";
import { putHeaders } from "./put_headers.ts";
import { receive } from "./receive.ts";
import { type Grant, OBJECTS_PATH, readGrant, type Refusal, signUrl } from "./signed_url.ts";
import type { ObjectStore, PresignedPut, PresignPutOptions } from "./types.ts";

export interface FileObjectStoreOptions {
  /** Made when it is missing; no one else writes in it. */
  readonly directory: string;
  /** Where `handler` is served, as the builder sees it, e.g. `http://127.0.0.1:7091`. */
  readonly baseUrl: string;
  /** The same as clients see it; `baseUrl` when absent. */
  readonly externalUrl?: string;
  readonly signingKey: Secret;
  /** No object is larger. */
  readonly sizeMaxBytes: number;
  /** Uploads that would leave less than this of the disk are refused. */
  readonly bytesFreeMin: number;
  readonly clock: Clock;
}

/** An object store in a directory, with the HTTP handler that its signed URLs lead to. */
export interface FileObjectStore extends ObjectStore {
  /** Answers requests below `/objects/`, and `undefined` for any other; 507 when the disk has no room. */
  handler(request: Request): Promise<Response | undefined>;
}

const INSUFFICIENT_STORAGE = 507;
const DISK_FULL = "The platform's disk for uploads is nearly full, so that it takes no more of them. " +
  "Ask the operator to make room there, then deploy again.";

/** It is held in memory. */
const RANGE_BYTES_MAX = 16 << 20;

const REFUSALS: Record<Refusal, { readonly status: number; readonly text: string }> = {
  bad_key: { status: 404, text: "There is no object of this name." },
  bad_signature: { status: 403, text: "The signature does not fit this request. Ask for a new URL." },
  expired: { status: 403, text: "This URL has expired. Ask for a new one." },
};

/** Keeps objects as files. Uploads become visible as a whole or not at all. Does no I/O before the first call. */
export function createFileObjectStore(options: FileObjectStoreOptions): FileObjectStore {
  const { clock, signingKey } = options;
  return {
    async presignPut(key, put): Promise<PresignedPut> {
      checkKey(key);
      checkSize(put, options.sizeMaxBytes);
      const full = await diskProblem(options, put.sizeBytes ?? 0);
      // A client that tried again at once would get the same answer.
      if (full !== undefined) throw publicFault("failed_precondition", full);
      const { sizeBytes, checksumSha256 } = put;
      const grant: Grant = {
        method: "PUT",
        key,
        expiresAtMs: clock.now() + put.expiresInMs,
        sizeBytes,
        checksumSha256,
      };
      const url = signUrl(options.externalUrl ?? options.baseUrl, grant, signingKey);
      return { url, headers: putHeaders(put) };
    },

    presignGet(key, { expiresInMs }): Promise<string> {
      checkKey(key);
      const expiresAtMs = clock.now() + expiresInMs;
      const grant: Grant = {
        method: "GET",
        key,
        expiresAtMs,
        sizeBytes: undefined,
        checksumSha256: undefined,
      };
      return Promise.resolve(signUrl(options.baseUrl, grant, signingKey));
    },

    async head(key): Promise<{ sizeBytes: number } | undefined> {
      checkKey(key);
      const info = await absentAsUndefined(Deno.stat(pathOf(options.directory, key)));
      return info === undefined ? undefined : { sizeBytes: info.size };
    },

    async delete(key): Promise<void> {
      checkKey(key);
      await absentAsUndefined(Deno.remove(pathOf(options.directory, key)));
    },

    async handler(request): Promise<Response | undefined> {
      const url = new URL(request.url);
      if (!url.pathname.startsWith(OBJECTS_PATH)) return undefined;
      const method = request.method === "HEAD" ? "GET" : request.method;
      if (method !== "GET" && method !== "PUT") {
        return await refuse(request, 405, "Only GET, HEAD and PUT are allowed here.");
      }
      const grant = readGrant(url, method, signingKey, clock.now());
      if (typeof grant === "string") {
        return await refuse(request, REFUSALS[grant].status, REFUSALS[grant].text);
      }
      return method === "PUT" ? await put(request, grant, options) : await get(request, grant, options);
    },
  };
}

async function put(request: Request, grant: Grant, options: FileObjectStoreOptions): Promise<Response> {
  const declared = request.headers.get("content-length");
  const length = declared === null ? undefined : Number(declared);
  if (length !== undefined && length > options.sizeMaxBytes) {
    return await refuse(request, 413, tooLarge(options.sizeMaxBytes));
  }
  if (length !== undefined && grant.sizeBytes !== undefined && length !== grant.sizeBytes) {
    return await refuse(
      request,
      403,
      `This URL takes exactly ${grant.sizeBytes} bytes, not ${length}. Ask for a new one.`,
    );
  }
  const sent = request.headers.get("x-amz-checksum-sha256") ?? undefined;
  if (sent !== undefined && grant.checksumSha256 !== undefined && sent !== grant.checksumSha256) {
    return await refuse(request, 403, "This URL takes content of another checksum. Ask for a new one.");
  }
  const full = await diskProblem(options, length ?? 0);
  if (full !== undefined) return await refuse(request, INSUFFICIENT_STORAGE, full);
  try {
    await receive(request.body, {
      path: pathOf(options.directory, grant.key),
      incoming: join(options.directory, "incoming"),
      sizeBytes: grant.sizeBytes,
      sizeMaxBytes: options.sizeMaxBytes,
      checksumSha256: grant.checksumSha256 ?? sent,
      clock: options.clock,
    });
  } catch (error) {
    if (isFault(error, "too_large")) return await refuse(request, 413, tooLarge(options.sizeMaxBytes));
    if (isFault(error, "invalid_argument")) return await refuse(request, 400, error.message);
    // Other uploads have taken the rest meanwhile.
    if (isDiskFull(error)) return await refuse(request, INSUFFICIENT_STORAGE, DISK_FULL);
    throw error;
  }
  return new Response(null, { status: 200 });
}

async function get(request: Request, grant: Grant, options: FileObjectStoreOptions): Promise<Response> {
  const file = await absentAsUndefined(Deno.open(pathOf(options.directory, grant.key)));
  if (file === undefined) return await refuse(request, 404, "There is no object of this name.");
  const info = await file.stat();
  const headers = { "content-type": "application/octet-stream", "content-length": String(info.size) };
  if (request.method === "HEAD") {
    file.close();
    return new Response(null, { headers });
  }
  const range = rangeOf(request.headers.get("range"), info.size);
  // The stream closes the file when it ends, and when the client goes away.
  if (range === undefined) return new Response(file.readable, { headers });
  using _closed = file;
  if (range.bytes === 0) {
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${info.size}` } });
  }
  return new Response(await readRange(file, range), {
    status: 206,
    headers: {
      "content-type": headers["content-type"],
      "content-range": `bytes ${range.start}-${range.start + range.bytes - 1}/${info.size}`,
    },
  });
}

interface ByteRange {
  readonly start: number;
  /** 0: it begins behind the end. */
  readonly bytes: number;
}

/** One range with both ends. All others, and larger ones, are answered with the whole object, as HTTP allows. */
function rangeOf(header: string | null, sizeBytes: number): ByteRange | undefined {
  const [, from, to] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header ?? "") ?? [];
  const [start, last] = [Number(from), Math.min(Number(to), sizeBytes - 1)];
  if (from === undefined || Number(to) < start) return undefined;
  const bytes = Math.max(0, last - start + 1);
  return bytes > RANGE_BYTES_MAX ? undefined : { start, bytes };
}

async function readRange(file: Deno.FsFile, { start, bytes }: ByteRange): Promise<Uint8Array<ArrayBuffer>> {
  const content = new Uint8Array(bytes);
  await file.seek(start, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < bytes) {
    const read = await file.read(content.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  return content.subarray(0, filled);
}

/** Cancels what is still to come of the body: a refused upload must not be read to its end. */
async function refuse(request: Request, status: number, text: string): Promise<Response> {
  if (request.body !== null && !request.body.locked) await request.body.cancel().catch(() => undefined);
  return new Response(request.method === "HEAD" ? null : `${text}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}

/** Named by a hash: no key can lead outside, and no two keys collide as file and folder or by upper and lower case. */
function pathOf(directory: string, key: string): string {
  const name = sha256Hex(key);
  return join(directory, name.slice(0, 2), name);
}

/** A text when the disk has no room for `sizeBytes` more. */
async function diskProblem(
  { directory, bytesFreeMin }: Pick<FileObjectStoreOptions, "directory" | "bytesFreeMin">,
  sizeBytes: number,
): Promise<string | undefined> {
  if (bytesFreeMin === 0) return undefined;
  // The folder itself is made by the first upload.
  const free = await bytesFree(directory) ?? await bytesFree(dirname(directory));
  return free === undefined || free - sizeBytes >= bytesFreeMin ? undefined : DISK_FULL;
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

function checkSize(put: PresignPutOptions, sizeMaxBytes: number): void {
  if (put.sizeBytes !== undefined && put.sizeBytes > sizeMaxBytes) {
    throw publicFault("too_large", tooLarge(sizeMaxBytes));
  }
}

function tooLarge(sizeMaxBytes: number): string {
  return `Uploads may have at most ${sizeMaxBytes} bytes. Leave files out with .dockerignore.`;
}

async function absentAsUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new Fault("unavailable", "Cannot reach the files of the object store", { cause: error });
  }
}
