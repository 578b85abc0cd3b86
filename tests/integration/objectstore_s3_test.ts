import assert from "node:assert/strict";
import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { createS3ObjectStore, type S3ObjectStoreOptions } from "../../pkg/objectstore/mod.ts";
import { eventually, freePort } from "../testbed/wait.ts";
import { CASES, lateClock, send } from "./objectstore_suite.ts";

/** Where `dev/parts/versitygw.sh` puts the S3 server; without it these tests are ignored. */
const HOME_CACHE = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`;
const CACHE = Deno.env.get("UNKEY_DEV_CACHE") ?? `${HOME_CACHE}/unkey-dev`;
const BINARY = `${CACHE}/bin/versitygw-1.8.0`;

const ABSENT = await Deno.stat(BINARY).then(() => false, () => true);

const KEYS = { accessKeyId: "tester", secretAccessKey: new Secret("tester's secret") };

/** Runs `test` against a server of its own, with an empty bucket. */
async function onS3(test: (options: S3ObjectStoreOptions) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "unkey-s3-" });
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = new Deno.Command(BINARY, {
    args: ["--region", "eu-test-1", "--port", `127.0.0.1:${port}`, "--quiet", "posix", directory],
    env: { ROOT_ACCESS_KEY: KEYS.accessKeyId, ROOT_SECRET_KEY: KEYS.secretAccessKey.reveal() },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await eventually("the S3 server to listen", () => send("GET", url).then(() => true, () => false));
    await test({ url, bucket: "contexts", region: "eu-test-1", ...KEYS, clock: systemClock() });
  } finally {
    server.kill("SIGKILL");
    await server.status;
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({
  name: "S3 store",
  ignore: ABSENT,
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
  ignore: ABSENT,
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
  ignore: ABSENT,
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
  const options = { url: `http://127.0.0.1:${freePort()}`, bucket: "contexts", region: "eu-test-1", ...KEYS };
  await usingStore({ ...options, clock: systemClock() }, async (store) => {
    await assert.rejects(() => store.head("a/b"), { code: "unavailable" });
    await assert.rejects(() => store.ensureBucket(), { code: "unavailable" });
  });
});

async function usingStore<T>(
  options: S3ObjectStoreOptions,
  use: (store: ReturnType<typeof createS3ObjectStore>) => Promise<T>,
): Promise<T> {
  const store = createS3ObjectStore(options);
  try {
    return await use(store);
  } finally {
    store.close();
  }
}
