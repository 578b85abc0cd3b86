import assert from "node:assert/strict";
import { join } from "node:path";
import { NOW, onlyJson, ROOT_KEY, startControlPlane, unkey } from "../shared/testing.ts";

async function controlPlane() {
  const asked: unknown[] = [];
  const api = await startControlPlane({
    admin: {
      createLoginCode({ workspaceId, permissions, validSeconds }) {
        asked.push([workspaceId, permissions, Number(validSeconds)]);
        return { code: "K7M2-9QXP", expiresAt: BigInt(NOW), workspaceSlug: "acme" };
      },
    },
  });
  return { url: api.url, asked, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

Deno.test("login-codes create prints a code for the operator, and the command that takes it", async () => {
  await using api = await controlPlane();
  const env = { UNKEY_AUTH_TOKEN: ROOT_KEY, UNKEY_API_BASE_URL: api.url };
  const create = ["admin", "login-codes", "create", "--workspace", "acme"];
  const result = await unkey([...create, "--minutes", "5"], { env });
  assert.deepEqual([result.code, result.stdout], [0, "K7M2-9QXP\n"]);
  assert.equal(
    result.stderr,
    `For the workspace acme, once, within 5 minutes, on another machine: "unkey login ${api.url}"\n`,
  );
  assert.deepEqual(onlyJson(await unkey([...create, "--json"], { env })), {
    code: "K7M2-9QXP",
    url: api.url,
    workspace: "acme",
    expiresAt: NOW,
  });
  assert.deepEqual(api.asked, [["acme", ["*"], 300], ["acme", ["*"], 600]]);
});

Deno.test("login-codes create asks the platform of a data folder when there is no service token", async (t) => {
  await using api = await controlPlane();
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-" });
  try {
    const run = (...flags: readonly string[]) =>
      unkey(["admin", "login-codes", "create", "--data-dir", folder, ...flags]);
    await t.step("without one it says what to name", async () => {
      const { code, stderr } = await run();
      assert.equal(code, 1);
      assert.match(stderr, /There is no platform of "unkey up" in .*--data-dir.*UNKEY_AUTH_TOKEN/s);
    });
    await t.step("with one the code is for its workspace, and the URL is the public one", async () => {
      const state = { serviceToken: ROOT_KEY, workspaceId: "ws_1", apiUrl: api.url };
      const path = join(folder, "state.json");
      await Deno.writeTextFile(path, JSON.stringify({ ...state, other: 1 }));
      assert.match((await run()).stderr, new RegExp(`unkey login ${api.url}"`));
      const publicApiUrl = "https://api.apps.example.com";
      await Deno.writeTextFile(path, JSON.stringify({ ...state, publicApiUrl }));
      const { code, stdout, stderr } = await run("--permissions", "project.*.read_project");
      assert.deepEqual([code, stdout], [0, "K7M2-9QXP\n"]);
      assert.match(stderr, /unkey login https:\/\/api\.apps\.example\.com"/);
      assert.deepEqual(api.asked.at(-1), ["ws_1", ["project.*.read_project"], 600]);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
