import assert from "node:assert/strict";
import { access, NOW, onlyJson, startControlPlane, unkey } from "../shared/testing.ts";
import { controlPlane } from "./testing.ts";

Deno.test("keys list shows keys by id, and only the beginning of each", async () => {
  await using test = await controlPlane();
  const env = access(test.api.url);
  assert.equal(
    (await unkey(["keys", "list"], { env })).stdout,
    `KEY            NAME  BEGINS      AGE  PERMISSIONS
key_of_caller  ci    unkey_abcd  2m   project.*.read_logs,workspace.read_status
`,
  );
  assert.deepEqual(onlyJson(await unkey(["keys", "list", "--json"], { env })), {
    keys: [{
      id: "key_of_caller",
      name: "ci",
      start: "unkey_abcd",
      permissions: ["project.*.read_logs", "workspace.read_status"],
      createdAt: NOW - 120_000,
    }],
  });
});

Deno.test("keys list of a workspace without keys prints an empty table or list", async () => {
  await using server = await startControlPlane({ admin: { listRootKeys: () => ({}) } });
  const env = access(server.url);
  assert.equal((await unkey(["keys", "list"], { env })).code, 0);
  assert.deepEqual(onlyJson(await unkey(["keys", "list", "--json"], { env })), { keys: [] });
});
