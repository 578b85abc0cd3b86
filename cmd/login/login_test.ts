import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCredentials } from "../shared/credentials.ts";
import type { Prompts } from "../../pkg/cli/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { onlyJson, ROOT_KEY, type RunOptions, startControlPlane, unkey } from "../shared/testing.ts";

function controlPlane() {
  return startControlPlane({
    admin: {
      whoAmI: () => ({ workspaceId: "ws_1", workspaceSlug: "acme", keyId: "key_1", permissions: ["*"] }),
      listProjects: () => ({ projects: [] }),
    },
  });
}

/** A config folder that is removed at the end. */
async function home(): Promise<{ path: string } & AsyncDisposable> {
  const root = await mkdtemp(join(tmpdir(), "unkey-test-"));
  return { path: join(root, "unkey"), [Symbol.asyncDispose]: () => rm(root, { recursive: true }) };
}

function answering(key: string | undefined): Prompts {
  const nobody = (): never => assert.fail("nothing else is asked");
  return { password: () => Promise.resolve(key), confirm: nobody, select: nobody };
}

Deno.test("login stores the key that the control plane knows, and later commands use it", async (t) => {
  await using api = await controlPlane();
  const ways: Readonly<Record<string, RunOptions>> = {
    "from UNKEY_ROOT_KEY": { env: { UNKEY_ROOT_KEY: ROOT_KEY } },
    "from standard input": { stdin: `${ROOT_KEY}\n` },
    "typed in": { prompts: answering(ROOT_KEY) },
  };
  for (const [name, options] of Object.entries(ways)) {
    await t.step(name, async () => {
      await using config = await home();
      const at = { configDirectory: config.path };
      const done = await unkey(["login", "--api-base-url", `${api.url}/`], { ...options, ...at });
      assert.deepEqual([done.code, done.stdout], [0, `Logged in to ${api.url}, workspace acme.\n`]);
      assert.doesNotMatch(done.stderr, new RegExp(ROOT_KEY));
      const stored = await readCredentials(config.path);
      assert.equal(stored?.rootKey.reveal(), ROOT_KEY);
      assert.equal(stored?.workspaceSlug, "acme");
      assert.equal((await unkey(["list", "projects"], at)).code, 0);
    });
  }
});

Deno.test("login --json prints the owner of the key, and never the key", async () => {
  await using api = await controlPlane();
  await using config = await home();
  const args = ["login", "--json", "--api-base-url", api.url, "--profile", "staging"];
  const result = await unkey(args, { env: { UNKEY_ROOT_KEY: ROOT_KEY }, configDirectory: config.path });
  assert.deepEqual(onlyJson(result), {
    apiBaseUrl: api.url,
    profile: "staging",
    workspace: "acme",
    workspaceId: "ws_1",
    keyId: "key_1",
    permissions: ["*"],
  });
  assert.equal(await readCredentials(config.path), undefined, "another profile stays as it was");
});

Deno.test("a login that fails keeps the one before", async (t) => {
  await using api = await controlPlane();
  await using config = await home();
  const at = { configDirectory: config.path };
  await unkey(["login", "--api-base-url", api.url], { stdin: ROOT_KEY, ...at });
  const failures: readonly [string, RunOptions, string[], number, RegExp][] = [
    ["a wrong key", { stdin: "unkey_wrong" }, [], 4, /does not accept this root key. Nothing was stored/],
    ["no key", { stdin: " \n" }, [], 4, /no root key.*UNKEY_ROOT_KEY/],
    ["the question is dismissed", { prompts: answering(undefined) }, [], 130, /Interrupted/],
    ["not a URL", { stdin: ROOT_KEY }, ["--api-base-url", "localhost:7091"], 1, /must be an http:\/\//],
    ["nobody there", { stdin: ROOT_KEY }, ["--api-base-url", "http://127.0.0.1:1"], 20, /does not answer/],
  ];
  for (const [name, options, args, code, says] of failures) {
    await t.step(name, async () => {
      const result = await unkey(["login", ...args], { ...options, ...at });
      assert.equal(result.code, code, result.stderr);
      assert.match(result.stderr, says);
      assert.doesNotMatch(result.stderr, /unkey_wrong/);
      assert.equal((await readCredentials(config.path))?.rootKey.reveal(), ROOT_KEY);
    });
  }
});

Deno.test("login exchanges a one-time code for a root key of this machine, and stores that", async (t) => {
  const exchanged: string[] = [];
  await using api = await startControlPlane({
    admin: {
      whoAmI: () => ({ workspaceId: "ws_1", workspaceSlug: "acme", keyId: "key_1", permissions: ["*"] }),
      exchangeLoginCode({ code, keyName }) {
        exchanged.push(keyName);
        if (code.toUpperCase() !== "K7M2-9QXP") throw publicFault("unauthenticated", "This code is wrong.");
        return { keyId: "key_1", key: ROOT_KEY };
      },
    },
  });
  const ways: Readonly<Record<string, RunOptions>> = {
    "from standard input": { stdin: "k7m2-9qxp\n" },
    "typed in": { prompts: answering("K7M2-9QXP") },
  };
  for (const [name, options] of Object.entries(ways)) {
    await t.step(name, async () => {
      await using config = await home();
      const done = await unkey(["login", `${api.url}/`], { ...options, configDirectory: config.path });
      assert.deepEqual([done.code, done.stdout], [0, `Logged in to ${api.url}, workspace acme.\n`]);
      assert.equal((await readCredentials(config.path))?.rootKey.reveal(), ROOT_KEY);
      assert.match(exchanged.at(-1) ?? "", /^login from \S+/);
    });
  }
  await t.step("a wrong code stores nothing", async () => {
    await using config = await home();
    const failed = await unkey(["login", api.url], { stdin: "AAAA-AAAA", configDirectory: config.path });
    assert.equal(failed.code, 4);
    assert.match(failed.stderr, /This code is wrong/);
    assert.equal(await readCredentials(config.path), undefined);
  });
});
