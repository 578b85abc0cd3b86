import assert from "node:assert/strict";
import { NOW, onlyJson, startControlPlane, unkey } from "../shared/testing.ts";
import { controlPlane, DAY_MS, TOKEN } from "./testing.ts";

Deno.test("admin region-tokens list shows ids, regions and networks, and no token", async () => {
  await using api = await controlPlane();
  assert.equal(
    (await api.run("region-tokens", "list")).stdout,
    `TOKEN  REGION     AGE  NETWORKS
rt_2   * (edges)  1m   -
rt_1   eu-1       1d   10.0.0.0/8,fd00::/8
rt_0   eu-1       1d   all but loopback
`,
  );
  assert.deepEqual(onlyJson(await api.run("region-tokens", "list", "--json")), {
    tokens: [
      { id: "rt_2", region: "*", createdAt: NOW - 60_000 },
      { id: "rt_1", region: "eu-1", createdAt: NOW - DAY_MS, networks: ["10.0.0.0/8", "fd00::/8"] },
      { id: "rt_0", region: "eu-1", createdAt: NOW - DAY_MS, networks: [] },
    ],
  });
});

Deno.test("admin region-tokens list says how the first token is made when there is none", async () => {
  await using api = await startControlPlane({ admin: { listRegionTokens: () => ({}) } });
  const env = { UNKEY_API_BASE_URL: api.url, UNKEY_AUTH_TOKEN: TOKEN };
  const { code, stdout, stderr } = await unkey(["admin", "region-tokens", "list"], { env });
  assert.deepEqual([code, stdout], [0, ""]);
  assert.match(stderr, /"unkey admin region-tokens create" makes one/);
});
