import assert from "node:assert/strict";
import { access, NOW, onlyJson, startControlPlane, unkey } from "../shared/testing.ts";

const domain = (name: string, status: string, more: object = {}) => ({
  domain: name,
  projectSlug: "shop",
  environmentSlug: "production",
  status,
  lostAt: 0n,
  problem: "",
  ...more,
});

Deno.test("status names domains that visitors do not get to, with the way out", async () => {
  const problem = '"a.example.com" has no record yet.\nSet CNAME a.example.com -> k3.cname.apps.test.';
  const domains = [
    domain("a.example.com", "verifying", { problem }),
    domain("b.example.com", "verified", { lostAt: BigInt(NOW - 7_200_000) }),
    domain("c.example.com", "verified"),
    domain("d.example.com", "failed"),
    domain("e.example.com", "pending"),
  ];
  await using api = await startControlPlane({ admin: { getStatus: () => ({ regions: [], domains }) } });
  const { stdout } = await unkey(["status"], { env: access(api.url) });
  assert.ok(
    stdout.endsWith(`
a.example.com (shop production) is not verified yet: "a.example.com" has no record yet. Set CNAME a.example.com -> k3.cname.apps.test.
b.example.com (shop production) has had no record for 2h and will be given up
c.example.com (shop production) does not lead here
d.example.com (shop production) is not looked for any more
e.example.com (shop production) is not verified yet
`),
    stdout,
  );
  assert.partialDeepStrictEqual(onlyJson(await unkey(["status", "--json"], { env: access(api.url) })), {
    domains: [
      { domain: "a.example.com", project: "shop", environment: "production", status: "verifying", problem },
      { domain: "b.example.com", lostAt: NOW - 7_200_000 },
    ],
  });
});
