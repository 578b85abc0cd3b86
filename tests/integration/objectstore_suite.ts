import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { request } from "node:http";
import type { Clock } from "../../pkg/clock/mod.ts";
import type { ObjectStore } from "../../pkg/objectstore/mod.ts";

/** A store under test. Every object store must pass every case with the same answers. */
export interface Subject {
  readonly store: ObjectStore;
  /** The same store, whose clock says it is an hour ago: what it signs for minutes has expired. */
  readonly late: ObjectStore;
}

interface Answer {
  readonly status: number;
  readonly length: string | undefined;
  readonly body: Uint8Array;
}

const MINUTE_MS = 60_000;
const CONTENT = new TextEncoder().encode("a build context, more or less");
const BOUND = { sizeBytes: CONTENT.length, checksumSha256: sha256(CONTENT), expiresInMs: MINUTE_MS };

/** The builder downloads the bytes that the client uploaded. */
async function roundTrip({ store }: Subject): Promise<void> {
  const put = await store.presignPut("proj_1/round.tar.gz", BOUND);
  assert.equal((await send("PUT", put.url, { headers: put.headers, body: CONTENT })).status, 200);
  assert.deepEqual(await store.head("proj_1/round.tar.gz"), { sizeBytes: CONTENT.length });

  const url = await store.presignGet("proj_1/round.tar.gz", { expiresInMs: MINUTE_MS });
  const got = await send("GET", url);
  assert.equal(got.status, 200);
  assert.equal(got.length, String(CONTENT.length));
  assert.deepEqual(got.body, CONTENT);
}

/** A manifest lies in parts of many packs: fetching the packs as a whole would cost a hundred times its bytes. */
async function ranges({ store }: Subject): Promise<void> {
  const put = await store.presignPut("proj_1/range", BOUND);
  assert.equal((await send("PUT", put.url, { headers: put.headers, body: CONTENT })).status, 200);
  const url = await store.presignGet("proj_1/range", { expiresInMs: MINUTE_MS });
  const part = await send("GET", url, { headers: { range: "bytes=2-6" } });
  assert.deepEqual([part.status, part.body], [206, CONTENT.slice(2, 7)]);
  const end = await send("GET", url, {
    headers: { range: `bytes=${CONTENT.length - 3}-${CONTENT.length + 9}` },
  });
  assert.deepEqual([end.status, end.body], [206, CONTENT.slice(-3)]);
  const behind = await send("GET", url, {
    headers: { range: `bytes=${CONTENT.length}-${CONTENT.length + 9}` },
  });
  assert.equal(behind.status, 416);
}

/** A client that does not announce size and checksum may still upload. */
async function unboundUpload({ store }: Subject): Promise<void> {
  const put = await store.presignPut("proj_1/unbound", { expiresInMs: MINUTE_MS });
  assert.deepEqual(put.headers, {});
  assert.equal((await send("PUT", put.url, { body: CONTENT })).status, 200);
  assert.deepEqual(await store.head("proj_1/unbound"), { sizeBytes: CONTENT.length });
}

/** Otherwise a URL for a small context could fill the disk. */
async function wrongSize({ store }: Subject): Promise<void> {
  const longer = new Uint8Array(CONTENT.length + 1);
  const put = await store.presignPut("proj_1/size", { sizeBytes: CONTENT.length, expiresInMs: MINUTE_MS });
  assert.equal((await send("PUT", put.url, { body: longer })).status, 403);
  assert.equal((await send("PUT", put.url, { body: CONTENT.subarray(1) })).status, 403);
  assert.equal(await store.head("proj_1/size"), undefined);
}

/** Otherwise what is built is not what was announced. */
async function wrongChecksum({ store }: Subject): Promise<void> {
  const other = CONTENT.toReversed();
  const put = await store.presignPut("proj_1/sum", BOUND);
  assert.equal((await send("PUT", put.url, { headers: put.headers, body: other })).status, 400);
  const headers = { ...put.headers, "x-amz-checksum-sha256": sha256(other) };
  assert.equal((await send("PUT", put.url, { headers, body: other })).status, 403, "the checksum is signed");
  assert.equal(await store.head("proj_1/sum"), undefined);
}

async function tamperedSignature({ store }: Subject): Promise<void> {
  const put = await store.presignPut("proj_1/tampered", BOUND);
  assert.equal((await send("PUT", tamper(put.url), { headers: put.headers, body: CONTENT })).status, 403);
  assert.equal(await store.head("proj_1/tampered"), undefined);

  assert.equal((await send("PUT", put.url, { headers: put.headers, body: CONTENT })).status, 200);
  const url = await store.presignGet("proj_1/tampered", { expiresInMs: MINUTE_MS });
  assert.equal((await send("GET", tamper(url))).status, 403);
}

async function expired({ store, late }: Subject): Promise<void> {
  const put = await late.presignPut("proj_1/expired", BOUND);
  assert.equal((await send("PUT", put.url, { headers: put.headers, body: CONTENT })).status, 403);
  assert.equal(await store.head("proj_1/expired"), undefined);
  const url = await late.presignGet("proj_1/expired", { expiresInMs: MINUTE_MS });
  assert.equal((await send("GET", url)).status, 403);
}

/** A URL for one project's object must open no other project's. */
async function otherKey({ store }: Subject): Promise<void> {
  const put = await store.presignPut("proj_1/mine", BOUND);
  const stolen = put.url.replace("proj_1/mine", "proj_2/mine");
  assert.notEqual(stolen, put.url);
  assert.equal((await send("PUT", stolen, { headers: put.headers, body: CONTENT })).status, 403);
  assert.equal(await store.head("proj_2/mine"), undefined);

  assert.equal((await send("PUT", put.url, { headers: put.headers, body: CONTENT })).status, 200);
  const read = await store.presignGet("proj_2/mine", { expiresInMs: MINUTE_MS });
  assert.equal((await send("GET", read.replace("proj_2/mine", "proj_1/mine"))).status, 403);
}

/** A URL for uploads gives no reads, and the other way round. */
async function otherMethod({ store }: Subject): Promise<void> {
  const put = await store.presignPut("proj_1/method", { expiresInMs: MINUTE_MS });
  assert.equal((await send("PUT", put.url, { headers: put.headers, body: CONTENT })).status, 200);
  assert.equal((await send("GET", put.url)).status, 403);
  const url = await store.presignGet("proj_1/method", { expiresInMs: MINUTE_MS });
  assert.equal((await send("PUT", url, { body: CONTENT })).status, 403);
}

async function missing({ store }: Subject): Promise<void> {
  const url = await store.presignGet("proj_1/missing", { expiresInMs: MINUTE_MS });
  assert.equal((await send("GET", url)).status, 404);
  assert.equal(await store.head("proj_1/missing"), undefined);
  await store.delete("proj_1/missing");
}

async function overwriteAndDelete({ store }: Subject): Promise<void> {
  const first = await store.presignPut("proj_1/twice", { expiresInMs: MINUTE_MS });
  assert.equal((await send("PUT", first.url, { body: new Uint8Array(100) })).status, 200);
  const second = await store.presignPut("proj_1/twice", BOUND);
  assert.equal((await send("PUT", second.url, { headers: second.headers, body: CONTENT })).status, 200);
  const url = await store.presignGet("proj_1/twice", { expiresInMs: MINUTE_MS });
  assert.deepEqual((await send("GET", url)).body, CONTENT);

  await store.delete("proj_1/twice");
  assert.equal(await store.head("proj_1/twice"), undefined);
  assert.equal((await send("GET", url)).status, 404);
}

async function badKeys({ store }: Subject): Promise<void> {
  for (const key of ["", "/", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", ".a", "a b", "a\\b", "a%2fb"]) {
    const refused = { code: "invalid_argument" };
    await assert.rejects(async () => await store.presignPut(key, BOUND), refused, key);
    await assert.rejects(async () => await store.presignGet(key, { expiresInMs: 1 }), refused, key);
    await assert.rejects(async () => await store.head(key), refused, key);
    await assert.rejects(async () => await store.delete(key), refused, key);
  }
}

const LARGE_BYTES = 50 * 1024 * 1024;
const CHUNK = new Uint8Array(64 * 1024).fill(7);

async function largeObject({ store }: Subject): Promise<void> {
  await sendLarge(store, LARGE_BYTES);
}

/** Puts and gets an object of `sizeBytes`, and checks that it is the same. */
export async function sendLarge(store: ObjectStore, sizeBytes: number): Promise<void> {
  const hash = createHash("sha256");
  for (const chunk of largeBody(sizeBytes)) hash.update(chunk);
  const checksumSha256 = hash.digest("base64");
  const put = await store.presignPut("proj_1/large", {
    sizeBytes,
    checksumSha256,
    expiresInMs: MINUTE_MS,
  });
  assert.equal(
    (await send("PUT", put.url, { headers: put.headers, body: largeBody(sizeBytes) })).status,
    200,
  );
  const url = await store.presignGet("proj_1/large", { expiresInMs: MINUTE_MS });
  const got = createHash("sha256");
  await send("GET", url, { onChunk: (chunk) => got.update(chunk) });
  assert.equal(got.digest("base64"), checksumSha256);
}

function* largeBody(sizeBytes: number): Generator<Uint8Array> {
  for (let sent = 0; sent < sizeBytes; sent += CHUNK.length) yield CHUNK;
}

/** The suite, by name. */
export const CASES: Readonly<Record<string, (subject: Subject) => Promise<void>>> = {
  "what is uploaded can be downloaded": roundTrip,
  "a range of what is uploaded can be downloaded": ranges,
  "an upload need not announce size and checksum": unboundUpload,
  "another size than the announced one is refused": wrongSize,
  "another checksum than the announced one is refused": wrongChecksum,
  "a tampered signature is refused": tamperedSignature,
  "an expired URL is refused": expired,
  "a URL opens its own key only": otherKey,
  "a URL allows its own method only": otherMethod,
  "a missing object is not found": missing,
  "an object can be overwritten and deleted": overwriteAndDelete,
  "keys that could lead elsewhere are refused": badKeys,
  "a large object arrives as it was": largeObject,
};

/** A clock that is an hour behind `clock`. */
export function lateClock(clock: Clock): Clock {
  return { ...clock, now: () => clock.now() - 60 * MINUTE_MS };
}

/** A request, and a reader of the answer's body in place of the default, which collects it. */
interface SendOptions {
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array | Iterable<Uint8Array>;
  readonly onChunk?: (chunk: Uint8Array) => void;
}

/** Node's client, because it sends exactly what it is given, and shows exactly what comes back. */
export function send(method: string, url: string, options: SendOptions = {}): Promise<Answer> {
  const { headers, body, onChunk } = options;
  return new Promise((resolve, reject) => {
    const sized = body instanceof Uint8Array ? { "content-length": String(body.length) } : {};
    const req = request(url, { method, headers: { ...headers, ...sized }, agent: false }, (res) => {
      const chunks: Uint8Array[] = [];
      res.on("data", (chunk: Uint8Array) => onChunk === undefined ? chunks.push(chunk) : onChunk(chunk));
      res.on("error", reject);
      res.on("end", () => {
        const whole = new Uint8Array(Buffer.concat(chunks));
        resolve({ status: res.statusCode ?? 0, length: res.headers["content-length"], body: whole });
      });
    });
    req.on("error", reject);
    if (body === undefined || body instanceof Uint8Array) req.end(body);
    else void sendAll(req, body).catch(reject);
  });
}

async function sendAll(req: ReturnType<typeof request>, body: Iterable<Uint8Array>): Promise<void> {
  for (const chunk of body) {
    if (!req.write(chunk)) await new Promise((resolve) => req.once("drain", resolve));
  }
  req.end();
}

/** Changes one character in the middle of the signature. */
function tamper(url: string): string {
  const name = /x-amz-signature=/i.test(url) ? "X-Amz-Signature" : "signature";
  const changed = new URL(url);
  const signature = changed.searchParams.get(name) ?? "";
  const other = signature.charAt(8) === "a" ? "b" : "a";
  changed.searchParams.set(name, signature.slice(0, 8) + other + signature.slice(9));
  return changed.href;
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("base64");
}
