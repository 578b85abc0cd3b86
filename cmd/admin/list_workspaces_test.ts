import assert from "node:assert/strict";
import { NOW, onlyJson, startControlPlane, unkey } from "../shared/testing.ts";
import { controlPlane, DAY_MS, TOKEN } from "./testing.ts";

Deno.test("admin workspaces list reads all pages", async () => {
  await using api = await controlPlane();
  assert.deepEqual(onlyJson(await api.run("workspaces", "list", "--json")), {
    workspaces: [
      { id: "ws_2", slug: "globex", name: "Globex", createdAt: 0 },
      { id: "ws_1", slug: "acme", name: "", createdAt: NOW - DAY_MS },
    ],
  });
  assert.match((await api.run("workspaces", "list")).stdout, /^acme +ws_1 +1d +-$/m);
});

Deno.test("admin workspaces list says how the first workspace is made when there is none", async () => {
  await using api = await startControlPlane({ admin: { listWorkspaces: () => ({}) } });
  const env = { UNKEY_API_BASE_URL: api.url, UNKEY_AUTH_TOKEN: TOKEN };
  const { code, stdout, stderr } = await unkey(["admin", "workspaces", "list"], { env });
  assert.deepEqual([code, stdout], [0, ""]);
  assert.match(stderr, /"unkey admin workspaces create" makes one/);
});
