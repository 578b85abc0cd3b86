import assert from "node:assert/strict";
import { onlyJson } from "../shared/testing.ts";
import { CHANGED, controlPlane, CREATED } from "./testing.ts";

Deno.test("registries list shows hosts, users and the time of their last change", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await api.run(["list"]);
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    `HOST       USERNAME   CHANGED
docker.io  of caller  2m ago
ghcr.io    of caller  2m ago
`,
  );
  const entry = { username: "of caller", createdAt: CREATED, updatedAt: CHANGED };
  assert.deepEqual(onlyJson(await api.run(["list", "--json"])), {
    registries: [{ host: "docker.io", ...entry }, { host: "ghcr.io", ...entry }],
  });
  await using empty = await controlPlane([]);
  const none = await empty.run(["list"]);
  assert.deepEqual([none.code, none.stdout], [0, ""]);
  assert.match(none.stderr, /No registries: .*"unkey registries add"/);
  assert.deepEqual(onlyJson(await empty.run(["list", "--json"])), { registries: [] });
});
