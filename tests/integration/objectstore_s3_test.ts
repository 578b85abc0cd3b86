import assert from "node:assert/strict";
import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { createS3ObjectStore, type S3Options } from "../../pkg/s3/mod.ts";
import { onS3, S3_ABSENT, S3_KEYS } from "../testbed/s3.ts";
import { freePort } from "../testbed/wait.ts";
import { CASES, lateClock, send } from "./objectstore_suite.ts";

Deno.test({
  name: "S3 store",
  ignore: S3_ABSENT,
  fn: (t) =>
    onS3(async (options) => {
      using stack = new DisposableStack();
      const store = stack.adopt(createS3ObjectStore(options), (each) => each.close());
      const late = stack.adopt(
        createS3ObjectStore({ ...options, clock: lateClock(options.clock) }),
        (each) => each.close(),
      );
      await store.ensureBucket();
      for (const [name, test] of Object.entries(CASES)) await t.step(name, () => test({ store, late }));
    }),
});

Deno.test({
  name: "S3 store: clients get URLs for the external host, builders for the internal one",
  ignore: S3_ABSENT,
  fn: () =>
    onS3(async (options) => {
      const externalUrl = options.url.replace("127.0.0.1", "localhost");
      using stack = new DisposableStack();
      const store = stack.adopt(
        createS3ObjectStore({ ...options, externalUrl }),
        (each) => each.close(),
      );
      await store.ensureBucket();
      const put = await store.presignPut("a/b", { expiresInMs: 60_000 });
      const get = await store.presignGet("a/b", { expiresInMs: 60_000 });
      assert.equal(new URL(put.url).hostname, "localhost");
      assert.equal(new URL(get).hostname, "127.0.0.1");
      assert.equal((await send("PUT", put.url, { body: new Uint8Array(3) })).status, 200);
      assert.equal((await send("GET", get)).body.length, 3);
    }),
});

Deno.test({
  name: "S3 store: a bucket that exists is fine, wrong keys and a wrong region stop the start",
  ignore: S3_ABSENT,
  fn: () =>
    onS3(async (options) => {
      await usingStore(options, (store) => store.ensureBucket());
      await usingStore(options, (store) => store.ensureBucket());
      for (
        const wrong of [
          { secretAccessKey: new Secret("another") },
          { accessKeyId: "another" },
          { region: "us-test-2" },
        ]
      ) {
        await assert.rejects(
          () => usingStore({ ...options, ...wrong }, (store) => store.ensureBucket()),
          { code: "failed_precondition", publicMessage: /Cannot use bucket "contexts" at/ },
        );
      }
    }),
});

Deno.test("S3 store: a server that does not answer is unavailable, not a missing object", async () => {
  const options = {
    url: `http://127.0.0.1:${freePort()}`,
    bucket: "contexts",
    region: "eu-test-1",
    ...S3_KEYS,
  };
  await usingStore({ ...options, clock: systemClock() }, async (store) => {
    await assert.rejects(() => store.head("a/b"), { code: "unavailable" });
    await assert.rejects(() => store.ensureBucket(), { code: "unavailable" });
  });
});

async function usingStore<T>(
  options: S3Options,
  use: (store: ReturnType<typeof createS3ObjectStore>) => Promise<T>,
): Promise<T> {
  const store = createS3ObjectStore(options);
  try {
    return await use(store);
  } finally {
    store.close();
  }
}
