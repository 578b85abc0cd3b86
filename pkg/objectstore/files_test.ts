import assert from "node:assert/strict";
import { join } from "node:path";
import type { Clock } from "../clock/mod.ts";
import { Secret } from "../config/mod.ts";
import { createFileObjectStore, type FileObjectStore } from "./files.ts";

const SIZE_MAX_BYTES = 1_000;
const KEY = "proj_1/build_1.tar.gz";

interface Bed {
  readonly store: FileObjectStore;
  readonly directory: string;
  /** Answers what the store answers. */
  send(method: string, url: string, init?: RequestInit): Promise<Response>;
  /** All regular files below the directory. */
  files(): Promise<string[]>;
  advance(ms: number): void;
}

async function withStore(test: (bed: Bed) => Promise<void>, bytesFreeMin = 0): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "unkey-objects-" });
  let aheadMs = 0;
  const startMs = performance.timeOrigin;
  const clock: Clock = {
    now: () => startMs + aheadMs,
    sleep: (_ms, signal) =>
      new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
  };
  const store = createFileObjectStore({
    directory: join(directory, "objects"),
    baseUrl: "http://inside:7091",
    externalUrl: "https://outside.example/",
    signingKey: new Secret("a key"),
    sizeMaxBytes: SIZE_MAX_BYTES,
    bytesFreeMin,
    clock,
  });
  const bed: Bed = {
    store,
    directory: join(directory, "objects"),
    async send(method, url, init = {}) {
      const response = await store.handler(new Request(url, { ...init, method }));
      assert.ok(response, `${method} ${url} is answered by the store`);
      return response;
    },
    async files() {
      const found: string[] = [];
      const visit = async (path: string): Promise<void> => {
        for await (const entry of Deno.readDir(path)) {
          if (entry.isDirectory) await visit(join(path, entry.name));
          else found.push(join(path, entry.name));
        }
      };
      await visit(directory);
      return found;
    },
    advance: (ms) => void (aheadMs += ms),
  };
  try {
    await test(bed);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("the file store signs uploads for clients and downloads for the builder", () =>
  withStore(async ({ store }) => {
    const put = await store.presignPut(KEY, { expiresInMs: 1_000 });
    assert.ok(put.url.startsWith(`https://outside.example/objects/${KEY}?expires=`), put.url);
    const get = await store.presignGet(KEY, { expiresInMs: 1_000 });
    assert.ok(get.startsWith(`http://inside:7091/objects/${KEY}?expires=`), get);
  }));

Deno.test("the file store leaves other paths to other handlers", () =>
  withStore(async ({ store }) => {
    assert.equal(await store.handler(new Request("http://inside:7091/healthz")), undefined);
    assert.equal(await store.handler(new Request("http://inside:7091/objects")), undefined);
  }));

Deno.test("a URL works until its last millisecond and not after", () =>
  withStore(async (bed) => {
    const put = await bed.store.presignPut(KEY, { expiresInMs: 1_000 });
    bed.advance(999);
    assert.equal((await bed.send("PUT", put.url, { body: "a" })).status, 200);
    bed.advance(1);
    assert.equal((await bed.send("PUT", put.url, { body: "b" })).status, 403);
  }));

/** Each parameter is part of the signature: none can be changed, added or left out. */
Deno.test("no parameter of a URL can be changed", () =>
  withStore(async (bed) => {
    const put = await bed.store.presignPut(KEY, {
      sizeBytes: 3,
      checksumSha256: "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
      expiresInMs: 1_000,
    });
    assert.equal((await bed.send("PUT", put.url, { body: "abc" })).status, 200, "untouched");
    const changes: readonly ((url: URL) => void)[] = [
      (url) => url.searchParams.set("expires", String(Number(url.searchParams.get("expires")) + 1)),
      (url) => url.searchParams.delete("expires"),
      (url) => url.searchParams.set("size", "4"),
      (url) => url.searchParams.delete("size"),
      (url) => url.searchParams.set("sha256", "x"),
      (url) => url.searchParams.delete("sha256"),
      (url) => url.searchParams.delete("signature"),
      (url) => url.searchParams.set("signature", ""),
      (url) => url.searchParams.set("signature", "short"),
      (url) => void (url.pathname += "x"),
    ];
    for (const change of changes) {
      const url = new URL(put.url);
      change(url);
      assert.equal((await bed.send("PUT", url.href, { body: "abc" })).status, 403, url.href);
    }
  }));

Deno.test("an upload that is too large is refused, announced or not, and nothing stays", () =>
  withStore(async (bed) => {
    await assert.rejects(
      async () => await bed.store.presignPut(KEY, { sizeBytes: SIZE_MAX_BYTES + 1, expiresInMs: 1_000 }),
      { code: "too_large" },
    );
    const { url } = await bed.store.presignPut(KEY, { expiresInMs: 1_000 });
    const announced = await bed.send("PUT", url, {
      body: new Uint8Array(SIZE_MAX_BYTES + 1),
      headers: { "content-length": String(SIZE_MAX_BYTES + 1) },
    });
    assert.equal(announced.status, 413);
    assert.match(await announced.text(), /at most 1000 bytes.*\.dockerignore/);
    assert.equal((await bed.send("PUT", url, { body: endless() })).status, 413);
    assert.deepEqual(await bed.files(), []);
    assert.equal((await bed.send("PUT", url, { body: new Uint8Array(SIZE_MAX_BYTES) })).status, 200);
  }));

/** A disk that uploads have filled takes no commit of the database beside them either. */
Deno.test("no upload takes the space that the disk keeps free", () =>
  withStore(async ({ store, files, directory }) => {
    const beyondAnyDisk = store.presignPut(KEY, { sizeBytes: 1, expiresInMs: 1_000 });
    await assert.rejects(beyondAnyDisk, (error: Error) => {
      assert.match(error.message, /disk for uploads is nearly full.*Ask the operator/);
      assert.doesNotMatch(error.message, new RegExp(directory));
      return true;
    });
    assert.deepEqual(await files(), []);
  }, 2 ** 60));

Deno.test("an upload that breaks off is refused, and the object stays as it was", () =>
  withStore(async (bed) => {
    const { url } = await bed.store.presignPut(KEY, { expiresInMs: 1_000 });
    assert.equal((await bed.send("PUT", url, { body: "first" })).status, 200);
    const broken = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(10));
        controller.error(new Error("connection reset"));
      },
    });
    assert.equal((await bed.send("PUT", url, { body: broken })).status, 400);
    assert.deepEqual(await bed.store.head(KEY), { sizeBytes: 5 });
    assert.equal((await bed.files()).length, 1);
  }));

Deno.test("chunked content is held to size and checksum too", () =>
  withStore(async (bed) => {
    const bound = await bed.store.presignPut(KEY, { sizeBytes: 5, expiresInMs: 1_000 });
    for (const body of ["four", "sixsix"]) {
      const response = await bed.send("PUT", bound.url, { body: ReadableStream.from([bytes(body)]) });
      assert.equal(response.status, 400);
      assert.match(await response.text(), /exactly 5 bytes/);
    }
    const { url } = await bed.store.presignPut(KEY, { expiresInMs: 1_000 });
    const headers = { "x-amz-checksum-sha256": "AAAA" };
    assert.equal((await bed.send("PUT", url, { body: "abc", headers })).status, 400);
    assert.deepEqual(await bed.files(), []);
  }));

/** The router hands over what the client sent, so the path must be harmless here as well. */
Deno.test("no path leads out of the directory", () =>
  withStore(async (bed) => {
    await Deno.writeTextFile(join(bed.directory, "..", "outside"), "secret");
    const { url } = await bed.store.presignGet(KEY, { expiresInMs: 1_000 }).then((href) => ({
      url: new URL(href),
    }));
    for (
      const path of [
        "..%2foutside",
        "%2e%2e/outside",
        "a/..%2f..%2foutside",
        "..%5coutside",
        "",
        "a//b",
        "%00",
      ]
    ) {
      const answer = await bed.store.handler(new Request(`http://inside:7091/objects/${path}${url.search}`));
      assert.ok(answer === undefined || answer.status === 404, `${path}: ${answer?.status}`);
    }
  }));

Deno.test("HEAD gives the size without the content, and other methods are refused", () =>
  withStore(async (bed) => {
    const { url } = await bed.store.presignPut(KEY, { expiresInMs: 1_000 });
    assert.equal((await bed.send("PUT", url, { body: "hello" })).status, 200);
    const get = await bed.store.presignGet(KEY, { expiresInMs: 1_000 });
    const head = await bed.send("HEAD", get);
    assert.deepEqual([head.status, head.headers.get("content-length")], [200, "5"]);
    assert.equal(await head.text(), "");
    assert.equal((await bed.send("DELETE", url)).status, 405);
    assert.equal((await bed.send("POST", url, { body: "x" })).status, 405);
  }));

/** A crash during an upload must not fill the disk for ever. */
Deno.test("a later upload removes leftovers of a crash, and not uploads under way", () =>
  withStore(async (bed) => {
    const incoming = join(bed.directory, "incoming");
    await Deno.mkdir(incoming, { recursive: true });
    await Deno.writeTextFile(join(incoming, "left"), "over");
    const upload = async (): Promise<void> => {
      const { url } = await bed.store.presignPut(KEY, { expiresInMs: 1_000 });
      assert.equal((await bed.send("PUT", url, { body: "x" })).status, 200);
    };
    await upload();
    assert.equal((await bed.files()).length, 2);
    bed.advance(2 * 24 * 3_600_000);
    await upload();
    assert.equal((await bed.files()).length, 1);
  }));

Deno.test("an upload that stalls is given up", async () => {
  const directory = await Deno.makeTempDir({ prefix: "unkey-objects-" });
  let nowMs = 0;
  const clock: Clock = { now: () => nowMs, sleep: (ms) => Promise.resolve(void (nowMs += ms)) };
  const store = createFileObjectStore({
    directory,
    baseUrl: "http://inside",
    signingKey: new Secret("a key"),
    sizeMaxBytes: SIZE_MAX_BYTES,
    bytesFreeMin: 0,
    clock,
  });
  try {
    const { url } = await store.presignPut(KEY, { expiresInMs: 1_000 });
    const stalled = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(bytes("some")),
    });
    const response = await store.handler(new Request(url, { method: "PUT", body: stalled }));
    assert.equal(response?.status, 400);
    assert.equal(await store.head(KEY), undefined);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(100)) });
}

Deno.test("a download of one range gets its bytes, and any other range the whole object", async (t) => {
  const content = "0123456789";
  const cases: Readonly<Record<string, readonly [number, string, string | null]>> = {
    "bytes=0-3": [206, "0123", "bytes 0-3/10"],
    "bytes=4-4": [206, "4", "bytes 4-4/10"],
    "bytes=8-20": [206, "89", "bytes 8-9/10"],
    "bytes=10-20": [416, "", "bytes */10"],
    "bytes=4-": [200, content, null],
    "bytes=-3": [200, content, null],
    "bytes=5-4": [200, content, null],
    "bytes=0-1,4-5": [200, content, null],
    "lines=0-1": [200, content, null],
  };
  for (const [range, [status, body, contentRange]] of Object.entries(cases)) {
    await t.step(range, () =>
      withStore(async ({ store, send }) => {
        const put = await store.presignPut(KEY, { expiresInMs: 1_000 });
        assert.equal((await send("PUT", put.url, { headers: put.headers, body: content })).status, 200);
        const url = await store.presignGet(KEY, { expiresInMs: 1_000 });
        const response = await send("GET", url, { headers: { range } });
        assert.deepEqual(
          [response.status, await response.text(), response.headers.get("content-range")],
          [status, body, contentRange],
        );
      }));
  }
});
