/** The context of a build from both kinds of object store. */
import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { packContext } from "../../../pkg/testkit/context_archive/pack.ts";
import { isFault } from "../../../pkg/fault/mod.ts";
import type { ObjectStore } from "../../../pkg/objectstore/mod.ts";
import { createS3ObjectStore } from "../../../pkg/s3/mod.ts";
import { dockerfileIn, fetchContext } from "../../../svc/ctrl/worker/image_build/context.ts";
import { ContextStore } from "../../testbed/context_store.ts";
import { onS3, S3_ABSENT } from "../../testbed/s3.ts";

const signal = (): AbortSignal => AbortSignal.timeout(60_000);
const contexts = { temporaryDirectory: tmpdir(), bytesMax: 10_000_000, entriesMax: 1_000 };

async function upload(objects: ObjectStore, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const key = `p/${crypto.randomUUID()}.tar.gz`;
  const { url, headers } = await objects.presignPut(key, { sizeBytes: bytes.length, expiresInMs: 60_000 });
  const { "content-length": _, ...rest } = headers;
  const response = await fetch(url, { method: "PUT", headers: rest, body: bytes });
  assert.ok(response.ok, await response.text());
  return key;
}

async function packed(base: string): Promise<Uint8Array<ArrayBuffer>> {
  const root = `${base}/app`;
  await Deno.mkdir(`${root}/src`, { recursive: true });
  await Deno.writeTextFile(`${root}/Dockerfile`, "FROM scratch\nCOPY . /\n");
  await Deno.writeTextFile(`${root}/src/main.ts`, "export {};\n");
  await using archive = await packContext({
    root,
    dockerfile: { file: `${root}/Dockerfile`, name: "Dockerfile" },
    cacheDirectory: `${base}/cache`,
    temporaryDirectory: `${base}/tmp`,
    nowMs: Date.now(),
    signal: signal(),
  });
  return new Uint8Array(await Deno.readFile(archive.path));
}

async function check(t: Deno.TestContext, objects: ObjectStore): Promise<void> {
  const base = await Deno.makeTempDir({ prefix: "unkey-contexts-" });
  try {
    await t.step("is unpacked, with the Dockerfile that an old client keeps in it", async () => {
      const key = await upload(objects, await packed(base));
      const context = await fetchContext({ objects, contexts }, key, signal());
      assert.ok(!("kind" in context));
      assert.deepEqual(context.entries.map(({ path }) => path), ["Dockerfile", "src", "src/main.ts"]);
      const dockerfile = await dockerfileIn(context, "Dockerfile", signal());
      assert.ok("content" in dockerfile);
      assert.match(new TextDecoder().decode(dockerfile.content), /^FROM scratch/);
      await context[Symbol.asyncDispose]();
    });

    await t.step("is missing when it was deleted", async () => {
      const key = await upload(objects, await packed(base));
      await objects.delete(key);
      const context = await fetchContext({ objects, contexts }, key, signal());
      assert.ok("kind" in context && context.code === "context_missing", JSON.stringify(context));
    });

    await t.step("is invalid when it is no archive, and too large when it unpacks to too much", async () => {
      const text = await upload(objects, new TextEncoder().encode("not an archive"));
      const invalid = await fetchContext({ objects, contexts }, text, signal());
      assert.ok("kind" in invalid && invalid.code === "context_invalid", JSON.stringify(invalid));
      const key = await upload(objects, await packed(base));
      const large = await fetchContext(
        { objects, contexts: { ...contexts, bytesMax: 1_000 } },
        key,
        signal(),
      );
      assert.ok("kind" in large && /more than is allowed/.test(large.message), JSON.stringify(large));
    });
  } finally {
    await Deno.remove(base, { recursive: true });
  }
}

Deno.test("a build's context in a folder", async (t) => {
  const directory = await Deno.makeTempDir({ prefix: "unkey-objects-" });
  try {
    await using store = ContextStore.start(directory);
    await check(t, store.objects);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test({
  name: "a build's context in S3",
  ignore: S3_ABSENT,
  fn: (t) =>
    onS3(async (options) => {
      const store = createS3ObjectStore(options);
      try {
        await store.ensureBucket();
        await check(t, store);
      } finally {
        store.close();
      }
    }),
});

Deno.test("a build waits for an object store that is down, instead of failing for its user", async () => {
  const directory = await Deno.makeTempDir({ prefix: "unkey-objects-" });
  try {
    const store = ContextStore.start(directory);
    const key = await store.upload(new TextEncoder().encode("x"));
    await store[Symbol.asyncDispose]();
    const fetching = fetchContext({ objects: store.objects, contexts }, key, signal());
    await assert.rejects(fetching, (error) => isFault(error, "unavailable"));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
