import assert from "node:assert/strict";
import { publicFault } from "../../pkg/fault/mod.ts";
import { NOW, onlyJson, ROOT_KEY, startControlPlane, unkey } from "../shared/testing.ts";

const DAY_MS = 86_400_000;
/** The fake takes one bearer token, of whatever kind. */
const TOKEN = ROOT_KEY;

async function controlPlane(keyFails = false) {
  const revoked: string[] = [];
  const api = await startControlPlane({
    admin: {
      createWorkspace: ({ slug }) => ({ workspaceId: `ws_${slug}` }),
      createRootKey() {
        if (keyFails) throw publicFault("unavailable", "The database does not answer.");
        return { keyId: "key_1", key: "unkey_first" };
      },
      listWorkspaces: ({ pageToken }) =>
        pageToken === ""
          ? { workspaces: [{ id: "ws_2", slug: "globex", name: "Globex" }], nextPageToken: "second" }
          : { workspaces: [{ id: "ws_1", slug: "acme", createdAt: BigInt(NOW - DAY_MS) }] },
      createRegionToken: () => ({ tokenId: "rt_1", token: "region_secret" }),
      listRegionTokens: () => ({
        tokens: [
          { id: "rt_2", region: "*", createdAt: BigInt(NOW - 60_000) },
          { id: "rt_1", region: "eu-1", createdAt: BigInt(NOW - DAY_MS) },
        ],
      }),
      revokeRegionToken({ tokenId }) {
        revoked.push(tokenId);
        return {};
      },
    },
  });
  const run = (...args: readonly string[]) =>
    unkey(["admin", ...args], { env: { UNKEY_API_BASE_URL: api.url, UNKEY_AUTH_TOKEN: TOKEN } });
  return { url: api.url, run, revoked, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

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

Deno.test("a workspace whose key could not be made says how to make it", async () => {
  await using api = await controlPlane(true);
  const { code, stderr } = await api.run("workspaces", "create", "acme");
  assert.equal(code, 20);
  assert.match(stderr, /"unkey keys create acme --workspace acme --permissions all" makes one/);
  assert.match(stderr, /The database does not answer/);
});

Deno.test("a workspace that is there already may lack its key, and how to make it is said", async () => {
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

Deno.test("admin workspaces list reads all pages", async () => {
  await using api = await controlPlane();
  const { workspaces } = onlyJson(await api.run("workspaces", "list", "--json")) as { workspaces: unknown[] };
  assert.equal(workspaces.length, 2);
  assert.match((await api.run("workspaces", "list")).stdout, /^acme +ws_1 +1d +-$/m);
});

Deno.test("region tokens are made, listed and revoked", async () => {
  await using api = await controlPlane();
  const { stdout, stderr } = await api.run("region-tokens", "create", "eu-1");
  assert.equal(stdout, "region_secret\n");
  assert.match(stderr, /rt_1 for agents of the region eu-1 is shown this once/);
  assert.match((await api.run("region-tokens", "create", "*")).stderr, /for edges is shown/);
  assert.equal(
    (await api.run("region-tokens", "list")).stdout,
    `TOKEN  REGION     AGE
rt_2   * (edges)  1m
rt_1   eu-1       1d
`,
  );
  assert.equal((await api.run("region-tokens", "revoke", "rt_1")).stderr, "revoked rt_1\n");
  assert.deepEqual(api.revoked, ["rt_1"]);
});

Deno.test("the operator is told when the service token is missing or wrong", async () => {
  await using api = await controlPlane();
  const args = ["admin", "workspaces", "list"];
  const missing = await unkey(args, { env: { UNKEY_API_BASE_URL: api.url } });
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /UNKEY_AUTH_TOKEN is required/);
  const wrong = await unkey(args, { env: { UNKEY_API_BASE_URL: api.url, UNKEY_AUTH_TOKEN: "wrong" } });
  assert.equal(wrong.code, 4);
  assert.match(wrong.stderr, /does not accept the service token: UNKEY_AUTH_TOKEN must be what/);
  assert.doesNotMatch(wrong.stderr, /wrong/);
});
