import assert from "node:assert/strict";
import { access, ROOT_KEY, startControlPlane, unkey } from "./testing.ts";

/** Answers with the workspace that a request named. */
async function controlPlane() {
  const workspaces: string[] = [];
  const api = await startControlPlane({
    admin: {
      listRootKeys({ workspaceId }) {
        workspaces.push(workspaceId);
        return {};
      },
      listRegistries({ workspaceId }) {
        workspaces.push(workspaceId);
        return {};
      },
      addRegistry({ workspaceId, host, username }) {
        workspaces.push(workspaceId);
        return { registry: { host, username } };
      },
      removeRegistry({ workspaceId, host }) {
        workspaces.push(workspaceId);
        return { host, removed: true };
      },
      revokeRootKey: () => ({}),
    },
  });
  return { url: api.url, workspaces, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

const CALLS: readonly (readonly string[])[] = [
  ["keys", "list"],
  ["registries", "list"],
  ["registries", "add", "ghcr.io", "--username", "acme", "--password-stdin"],
  ["registries", "remove", "ghcr.io"],
];

Deno.test("commands for a workspace send its name with the service token, and none with a root key", async (t) => {
  await using api = await controlPlane();
  const operator = { UNKEY_API_BASE_URL: api.url, UNKEY_AUTH_TOKEN: ROOT_KEY };
  for (const args of CALLS) {
    await t.step(args.slice(0, 2).join(" "), async () => {
      const named = await unkey([...args, "--workspace", "globex"], { env: operator, stdin: "s3cret" });
      assert.equal(named.code, 0, named.stderr);
      const own = await unkey(args, { env: access(api.url), stdin: "s3cret" });
      assert.equal(own.code, 0, own.stderr);
      assert.deepEqual(api.workspaces.splice(0), ["globex", ""]);
    });
  }
});

Deno.test("commands for a workspace refuse a workspace without the service token", async (t) => {
  await using api = await controlPlane();
  for (const args of CALLS) {
    await t.step(args.slice(0, 2).join(" "), async () => {
      const { code, stderr } = await unkey([...args, "--workspace", "globex"], { env: access(api.url) });
      assert.equal(code, 2);
      assert.match(stderr, /needs the service token: set UNKEY_AUTH_TOKEN/);
      assert.deepEqual(api.workspaces, []);
    });
  }
});
