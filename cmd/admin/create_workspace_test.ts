import assert from "node:assert/strict";
import { publicFault } from "../../pkg/fault/mod.ts";
import { onlyJson, startControlPlane, unkey } from "../shared/testing.ts";
import { controlPlane, TOKEN } from "./testing.ts";

Deno.test("admin workspaces create prints the first root key alone", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await api.run("workspaces", "create", "acme");
  assert.deepEqual([code, stdout], [0, "unkey_first\n"], stderr);
  assert.match(stderr, /created the workspace acme \(ws_acme\)/);
  assert.deepEqual(onlyJson(await api.run("workspaces", "create", "acme", "--json")), {
    workspaceId: "ws_acme",
    slug: "acme",
    keyId: "key_1",
    key: "unkey_first",
  });
});

Deno.test("admin workspaces create says how to make the root key when that failed", async () => {
  await using api = await controlPlane(true);
  const { code, stderr } = await api.run("workspaces", "create", "acme");
  assert.equal(code, 20);
  assert.match(stderr, /"unkey keys create acme --workspace acme --permissions all" makes one/);
  assert.match(stderr, /The database does not answer/);
});

Deno.test("admin workspaces create says how to make the root key of a workspace that exists already", async () => {
  await using api = await startControlPlane({
    admin: {
      createWorkspace() {
        throw publicFault("already_exists", 'There is a workspace "acme" already: choose another slug.');
      },
    },
  });
  const env = { UNKEY_API_BASE_URL: api.url, UNKEY_AUTH_TOKEN: TOKEN };
  const { code, stderr } = await unkey(["admin", "workspaces", "create", "acme"], { env });
  assert.equal(code, 1);
  assert.match(stderr, /If acme is a workspace without a key, "unkey keys create acme --workspace acme/);
});
