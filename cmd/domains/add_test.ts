import assert from "node:assert/strict";
import { onlyJson } from "../shared/testing.ts";
import { controlPlane, domainOf, ISSUE, servedDomain, TXT } from "./testing.ts";

const HOST = "shop.example.com";

Deno.test("domains add prints the record to set, what is there instead, and the next command", async () => {
  await using plane = await controlPlane();
  const { code, stdout, stderr } = await plane.run(["add", HOST]);
  assert.equal(code, 0);
  assert.equal(
    stdout,
    `
Records to set at your DNS provider:

TYPE   NAME              VALUE
CNAME  shop.example.com  k3j9.cname.apps.test

"shop.example.com" leads to 192.0.2.7 instead of this platform.
Replace that record by CNAME shop.example.com -> k3j9.cname.apps.test.
`,
  );
  assert.equal(
    stderr,
    "added shop.example.com to shop production\n\nThen: unkey domains verify shop.example.com --wait-for 10m\n",
  );
  assert.deepEqual(plane.calls, [`add proj_shop production ${HOST}`]);
});

Deno.test("domains add shows a TXT record only where it is needed, and nothing where all is well", async () => {
  const contested = domainOf({ records: [{ ...TXT, required: true }] });
  await using plane = await controlPlane({ looks: [contested, servedDomain()], known: true });
  const first = await plane.run(["add", HOST, "--env", "preview", "--redirect-to", "www.example.com"]);
  assert.match(first.stdout, /^TXT +_unkey\.shop\.example\.com +unkey-verify=k3j9$/m);
  assert.doesNotMatch(first.stdout, /^CNAME/m);
  assert.match(first.stderr, /^shop\.example\.com is there already: shop production, verifying\n/);
  const second = await plane.run(["add", HOST]);
  assert.deepEqual([second.stdout, second.code], ["", 0]);
  assert.doesNotMatch(second.stderr, /Then:/);
  assert.deepEqual(plane.calls[0], `add proj_shop preview ${HOST} www.example.com`);
});

Deno.test("domains add --json has everything a program needs", async () => {
  await using plane = await controlPlane();
  assert.deepEqual(onlyJson(await plane.run(["add", HOST, "--json"])), {
    project: "shop",
    created: true,
    id: "dom_1",
    domain: HOST,
    environment: "production",
    status: "verifying",
    reaches: false,
    issues: [ISSUE],
    records: [
      { type: "CNAME", name: HOST, value: "k3j9.cname.apps.test", purpose: "route", required: true },
      TXT,
    ],
    createdAt: 1_799_999_940_000,
    checkedAt: 1_799_999_995_000,
    nextCheckAt: 1_800_000_005_000,
    verifySince: 1_799_999_940_000,
  });
});

Deno.test("domains add passes a refusal on", async () => {
  await using plane = await controlPlane();
  const { code, stderr } = await plane.run(["add", "*.example.com"]);
  assert.equal(code, 1);
  assert.match(stderr, /must not contain \*/);
  assert.equal((await plane.run(["add"])).code, 2);
});
