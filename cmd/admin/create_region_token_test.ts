import assert from "node:assert/strict";
import { onlyJson } from "../shared/testing.ts";
import { controlPlane } from "./testing.ts";

Deno.test("admin region-tokens create prints the token alone, and says beside it what takes it", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await api.run("region-tokens", "create", "eu-1");
  assert.deepEqual([code, stdout], [0, "region_secret\n"], stderr);
  assert.match(stderr, /rt_1 for agents of the region eu-1 is shown this once/);
  assert.match((await api.run("region-tokens", "create", "*")).stderr, /for edges is shown/);
  assert.deepEqual(onlyJson(await api.run("region-tokens", "create", "eu-1", "--json")), {
    id: "rt_1",
    region: "eu-1",
    token: "region_secret",
  });
});

Deno.test("admin region-tokens create gives the token the networks that are named", async () => {
  await using api = await controlPlane();
  await api.run("region-tokens", "create", "eu-1", "--networks", "10.0.0.0/8,fd00::/8");
  await api.run("region-tokens", "create", "eu-1");
  assert.deepEqual(api.created, [["eu-1", "10.0.0.0/8", "fd00::/8"], ["eu-1"]]);
});

Deno.test("admin region-tokens create needs a region", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await api.run("region-tokens", "create");
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /region/);
});
