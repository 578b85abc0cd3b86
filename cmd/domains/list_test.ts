import assert from "node:assert/strict";
import { CustomDomainStatus } from "../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import { NOW, onlyJson, type RunOptions } from "../shared/testing.ts";
import { controlPlane, domainOf, servedDomain } from "./testing.ts";

const HOST = "shop.example.com";

function answering(answer: boolean): RunOptions {
  return {
    prompts: {
      confirm: () => Promise.resolve(answer),
      select: () => Promise.resolve(undefined),
      password: () => Promise.resolve(undefined),
    },
  };
}

Deno.test("domains list shows each domain with its state, and what the first trouble of each is", async () => {
  const listed = [
    servedDomain({ domain: "a.example.com" }),
    domainOf({ domain: "b.example.com" }),
    servedDomain({ domain: "c.example.com", certificate: { notAfter: BigInt(NOW - 3_600_000) } }),
    servedDomain({ domain: "www.example.com", redirectTo: "a.example.com" }),
    domainOf({ domain: "z.example.com", status: CustomDomainStatus.PENDING, issues: [] }),
  ];
  await using plane = await controlPlane({ listed });
  const { stdout, code } = await plane.run(["list"]);
  assert.equal(code, 0);
  assert.equal(
    stdout,
    `DOMAIN           ENVIRONMENT  STATE                  CERTIFICATE   REDIRECTS TO
a.example.com    production   serving https          ends in 60d   -
b.example.com    production   verifying              -             -
c.example.com    production   certificate has ended  ended 1h ago  -
www.example.com  production   serving https          ends in 60d   a.example.com
z.example.com    production   pending                -             -

b.example.com: "shop.example.com" leads to 192.0.2.7 instead of this platform. ` +
      `Replace that record by CNAME shop.example.com -> k3j9.cname.apps.test.
`,
  );
});

Deno.test("domains list takes an environment, and says how to add the first domain", async () => {
  await using plane = await controlPlane();
  const empty = await plane.run(["list", "--env", "preview"]);
  assert.deepEqual([empty.code, empty.stdout], [0, ""]);
  assert.match(empty.stderr, /"unkey domains add <domain>" adds one/);
  assert.deepEqual(onlyJson(await plane.run(["list", "--json"])), { project: "shop", domains: [] });
  assert.deepEqual(plane.calls, ["list preview", "list"]);
});

Deno.test("domains set redirects or serves, and refuses both and neither", async () => {
  await using plane = await controlPlane();
  const redirected = await plane.run(["set", HOST, "--redirect-to", "www.example.com"]);
  assert.equal(redirected.stderr, "shop.example.com is redirected to www.example.com\n");
  assert.equal((await plane.run(["set", HOST, "--serve"])).stderr, "shop.example.com is served\n");
  for (const args of [["set", HOST], ["set", HOST, "--serve", "--redirect-to", "a.example.com"]]) {
    const { code, stderr } = await plane.run(args);
    assert.equal(code, 2);
    assert.match(stderr, /Say one of --redirect-to <domain> and --serve/);
  }
  const json = onlyJson(await plane.run(["set", HOST, "--redirect-to", "a.example.com", "--json"]));
  assert.partialDeepStrictEqual(json, { domain: HOST, redirectTo: "a.example.com" });
  assert.deepEqual(plane.calls, [`set ${HOST} www.example.com`, `set ${HOST}`, `set ${HOST} a.example.com`]);
});

Deno.test("domains remove asks first, and removes nothing without an answer", async () => {
  await using plane = await controlPlane();
  const silent = await plane.run(["remove", HOST]);
  assert.equal(silent.code, 2);
  assert.match(silent.stderr, /Remove shop\.example\.com from shop\? Visitors get an error there/);
  assert.equal((await plane.run(["remove", HOST], answering(false))).code, 130);
  assert.deepEqual(plane.calls, []);
  assert.equal(
    (await plane.run(["remove", HOST], answering(true))).stderr,
    "removed shop.example.com from shop\n",
  );
  const json = onlyJson(await plane.run(["remove", HOST, "--yes", "--json"]));
  assert.deepEqual(json, { project: "shop", domain: HOST, removed: true });
});
