import assert from "node:assert/strict";
import { publicFault } from "../../pkg/fault/mod.ts";
import type { CreateRootKeyRequest } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { access, NOW, onlyJson, ROOT_KEY, SHOP, startControlPlane, unkey } from "../shared/testing.ts";

async function controlPlane() {
  const created: CreateRootKeyRequest[] = [];
  const api = await startControlPlane({
    admin: {
      listProjects: () => ({ projects: [SHOP] }),
      createRootKey: (request) => {
        created.push(request);
        return { keyId: "key_2", key: "unkey_new" };
      },
      listRootKeys: ({ workspaceId }) => ({
        keys: [{
          id: `key_of_${workspaceId || "caller"}`,
          name: "ci",
          start: "unkey_abcd",
          permissions: ["project.*.read_logs", "workspace.read_status"],
          createdAt: BigInt(NOW - 120_000),
        }],
      }),
      revokeRootKey({ keyId }) {
        if (keyId !== "key_2") throw publicFault("not_found", `Root key "${keyId}" was not found.`);
        return {};
      },
    },
  });
  return { api, created, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

Deno.test("keys create prints the key alone, and expands names of permissions", async () => {
  await using test = await controlPlane();
  const env = access(test.api.url);
  const { code, stdout, stderr } = await unkey(["keys", "create", "ci"], { env });
  assert.deepEqual([code, stdout], [0, "unkey_new\n"], stderr);
  assert.match(stderr, /key_2 is shown this once; "unkey login"/);
  const [deploy] = test.created;
  assert.ok(deploy?.permissions.includes("project.*.create_deployment"));
  assert.ok(!deploy?.permissions.some((each) => each === "*" || each.endsWith("manage_keys")));
  const narrow = [
    "keys",
    "create",
    "ci",
    "--project",
    "shop",
    "--permissions",
    "read,workspace.read_audit_log",
  ];
  const result = onlyJson(await unkey([...narrow, "--json"], { env }));
  const permissions = [
    "project.proj_shop.read_deployment",
    "project.proj_shop.read_logs",
    "project.proj_shop.read_project",
    "project.proj_shop.read_environment",
    "workspace.read_status",
    "workspace.read_audit_log",
  ];
  assert.deepEqual(result, { id: "key_2", name: "ci", permissions, key: "unkey_new" });
  assert.deepEqual(test.created.at(-1)?.permissions, permissions);
});

Deno.test("keys create names the sets of permissions to who asks for another", async () => {
  await using test = await controlPlane();
  const args = ["keys", "create", "ci", "--permissions", "fly"];
  const { code, stderr } = await unkey(args, { env: access(test.api.url) });
  assert.equal(code, 2);
  assert.match(stderr, /has "fly": take read, deploy, all, or single ones/);
  assert.deepEqual(test.created, []);
});

Deno.test("keys list and revoke name keys by id", async () => {
  await using test = await controlPlane();
  const env = access(test.api.url);
  const { stdout } = await unkey(["keys", "list"], { env });
  assert.equal(
    stdout,
    `KEY            NAME  BEGINS      AGE  PERMISSIONS
key_of_caller  ci    unkey_abcd  2m   project.*.read_logs,workspace.read_status
`,
  );
  assert.equal((await unkey(["keys", "revoke", "key_2"], { env })).stderr, "revoked key_2\n");
  const missing = await unkey(["keys", "revoke", "key_9"], { env });
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /"key_9" was not found/);
});

Deno.test("the operator names a workspace, and needs the service token for it", async () => {
  await using test = await controlPlane();
  const operator = { UNKEY_API_BASE_URL: test.api.url, UNKEY_AUTH_TOKEN: ROOT_KEY };
  const workspace = ["--workspace", "acme"];
  const { stdout, stderr } = await unkey(["keys", "list", ...workspace, "--json"], { env: operator });
  assert.match(stdout, /"key_of_acme"/, stderr);
  const without = await unkey(["keys", "list", ...workspace], { env: access(test.api.url) });
  assert.equal(without.code, 2);
  assert.match(without.stderr, /needs the service token: set UNKEY_AUTH_TOKEN/);
  const project = await unkey(["keys", "create", "ci", ...workspace, "--project", "shop"], { env: operator });
  assert.equal(project.code, 2);
  assert.match(project.stderr, /--project works with a root key only/);
});
