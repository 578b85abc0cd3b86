import assert from "node:assert/strict";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { loadConfig, Secret } from "../../../pkg/config/mod.ts";
import { sha256Hex } from "../../../pkg/hash/mod.ts";
import { createFileObjectStore } from "../../../pkg/objectstore/mod.ts";
import { WORKER_FIELDS, WORKER_RULES, type WorkerConfig } from "./config/config.ts";
import { openObjects } from "./objects.ts";

const SIGNING_KEY = "f0e1d2c3b4a5968778695a4b3c2d1e0f";

function configOf(directory: string): WorkerConfig {
  const env: Readonly<Record<string, string>> = {
    UNKEY_DATABASE_PRIMARY: "sqlite::memory:",
    UNKEY_BUILD_FILES_DIR: directory,
    UNKEY_BUILD_FILES_URL: "http://api.example:7091",
    UNKEY_BUILD_FILES_SIGNING_KEY: SIGNING_KEY,
    UNKEY_BUILD_NETWORK: "trusted",
  };
  const readFile = (): never => assert.fail("no file is read");
  return loadConfig(
    WORKER_FIELDS,
    { flags: new Map(), env: (name) => env[name], readFile },
    WORKER_RULES,
  );
}

Deno.test("a worker reads the objects of its folder, and asks the api for those that it cannot read there", async (t) => {
  const directory = await Deno.makeTempDir({ prefix: "unkey-worker-objects-" });
  try {
    const api = createFileObjectStore({
      directory,
      baseUrl: "http://api.example:7091",
      signingKey: new Secret(SIGNING_KEY),
      sizeMaxBytes: 1_000,
      bytesFreeMin: 0,
      clock: systemClock(),
    });
    const put = await api.presignPut("proj_1/here", { expiresInMs: 60_000 });
    const stored = await api.handler(
      new Request(put.url, { method: "PUT", headers: put.headers, body: "content of the folder" }),
    );
    assert.equal(stored?.status, 200);
    const unreadable = sha256Hex("proj_1/unreadable");
    await Deno.mkdir(`${directory}/${unreadable.slice(0, 2)}/${unreadable}`, { recursive: true });
    const asked: string[] = [];
    const { store } = openObjects(configOf(directory), systemClock(), (input, init) => {
      asked.push(`${new URL(String(input)).pathname} ${new Headers(init?.headers).get("range")}`);
      return Promise.resolve(new Response("answer of the api"));
    });
    const read = async (key: string, headers: Record<string, string>): Promise<string> => {
      const url = await store.presignGet(key, { expiresInMs: 60_000 });
      return await (await (store.fetch ?? assert.fail())(url, { headers })).text();
    };
    const table = [
      ["the whole", "proj_1/here", {}, "content of the folder", []],
      ["a range", "proj_1/here", { range: "bytes=11-13" }, "the", []],
      ["an object that is not there", "proj_1/there", { range: "bytes=1-2" }, "answer of the api", [
        "/objects/proj_1/there bytes=1-2",
      ]],
      ["a range behind the end", "proj_1/here", { range: "bytes=100-101" }, "answer of the api", [
        "/objects/proj_1/here bytes=100-101",
      ]],
      ["an object that cannot be read", "proj_1/unreadable", { range: "bytes=1-2" }, "answer of the api", [
        "/objects/proj_1/unreadable bytes=1-2",
      ]],
    ] as const;
    for (const [name, key, headers, text, requests] of table) {
      await t.step(name, async () => {
        asked.length = 0;
        assert.equal(await read(key, headers), text);
        assert.deepEqual(asked, requests);
      });
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
