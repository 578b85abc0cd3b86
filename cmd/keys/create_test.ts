import assert from "node:assert/strict";
import { access, onlyJson, ROOT_KEY, unkey } from "../shared/testing.ts";
import { controlPlane } from "./testing.ts";

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

Deno.test("keys create lists the sets of permissions when it is given another one", async () => {
  await using test = await controlPlane();
  const args = ["keys", "create", "ci", "--permissions", "fly"];
  const { code, stderr } = await unkey(args, { env: access(test.api.url) });
  assert.equal(code, 2);
  assert.match(stderr, /has "fly": take read, deploy, all, or single ones/);
  assert.deepEqual(test.created, []);
});

Deno.test("keys create takes --project with a root key only", async () => {
  await using test = await controlPlane();
  const env = { UNKEY_API_BASE_URL: test.api.url, UNKEY_AUTH_TOKEN: ROOT_KEY };
  const args = ["keys", "create", "ci", "--workspace", "acme"];
  const refused = await unkey([...args, "--project", "shop"], { env });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /--project works with a root key only/);
  assert.equal(test.created.length, 0);
  assert.equal((await unkey(args, { env })).code, 0);
  assert.equal(test.created[0]?.workspaceId, "acme");
});
