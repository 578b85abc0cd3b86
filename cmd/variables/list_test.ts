import assert from "node:assert/strict";
import { access, NOW, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";
import { controlPlane } from "./testing.ts";

Deno.test("variables list shows names and when they changed", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await api.run(["list"]);
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    `NAME   CHANGED
OLD    1m ago
TOKEN  2m ago
`,
  );
  assert.deepEqual(onlyJson(await api.run(["list", "--json", "--env", "production"])), {
    project: "shop",
    environment: "production",
    variables: [{ name: "OLD", updatedAt: NOW - 60_000 }, { name: "TOKEN", updatedAt: NOW - 120_000 }],
  });
});

Deno.test("variables list of an environment without variables names the next command", async () => {
  await using server = await startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }), listEnvironmentVariables: () => ({}) },
  });
  const env = access(server.url);
  const { code, stdout, stderr } = await unkey(["variables", "list"], { env });
  assert.deepEqual([code, stdout], [0, ""]);
  assert.equal(stderr, 'No variables in preview of shop. "unkey variables set" sets some.\n');
  assert.deepEqual(onlyJson(await unkey(["vars", "list", "--json"], { env })), {
    project: "shop",
    environment: "preview",
    variables: [],
  });
});
