import assert from "node:assert/strict";
import { onlyJson } from "../shared/testing.ts";
import { controlPlane } from "./testing.ts";

Deno.test("registries remove names the registry that it removed, and fails for one without credentials", async () => {
  await using api = await controlPlane();
  assert.equal((await api.run(["remove", "GHCR.io"])).stderr, "removed ghcr.io\n");
  const missing = await api.run(["remove", "ghcr.io"]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /no credentials for ghcr\.io: "unkey registries list"/);
  const json = await api.run(["remove", "docker.io", "--json"]);
  assert.deepEqual(onlyJson(json), { host: "docker.io", removed: true });
});
