import assert from "node:assert/strict";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { openDns } from "../../../../pkg/dns/mod.ts";
import { hasKnot, TestKnot } from "../../../../pkg/testkit/knot.ts";
import { isCloudflare } from "./cloudflare.ts";
import { type DomainDns, lookAtDomain } from "./mod.ts";

const never = new AbortController().signal;
const TARGET = "k3.cname.apps.test";
const ZONES = {
  "example.com": [
    "www CNAME k3.cname.apps.test.",
    "far CNAME edge.example.com.",
    "edge CNAME www.example.com.",
    "loop CNAME pool.example.com.",
    "pool CNAME loop.example.com.",
    "proxied A 104.16.1.1",
    "proxied AAAA 2606:4700::1",
    "half A 104.16.1.1",
    "half A 192.0.2.1",
    '_unkey.www TXT "unkey-verify=" "k3"',
    '_unkey.www TXT "other"',
    '@ CAA 0 issue "ca.test"',
    '@ CAA 0 iodef "mailto:a@example.com"',
    'own CAA 0 issue ";"',
    "own A 192.0.2.1",
  ],
  "apps.test": [],
};

function dnsOf(knot: TestKnot, changes: Partial<DomainDns["platform"]> = {}): DomainDns {
  const { server } = knot;
  return {
    dns: openDns({ resolver: server, nameservers: [server] }),
    platform: { target: "cname.apps.test", addresses: [], authorities: [], ownDomains: [], ...changes },
  };
}

Deno.test({
  name: "a look tells aliases, addresses, proofs and CAA as the name's servers have them",
  ignore: !hasKnot(),
  fn: async (t) => {
    await using knot = await TestKnot.start(ZONES);
    const deps = dnsOf(knot);
    const look = (hostname: string) => lookAtDomain(deps, { hostname, target: TARGET }, never);

    await t.step("an alias that ends at the platform has no addresses of its own", async () => {
      const { aliases, addresses, texts, platformAddresses, delegated } = await look("www.example.com");
      assert.deepEqual(aliases, [TARGET]);
      assert.deepEqual(addresses, []);
      assert.deepEqual([...texts].sort(), ["other", "unkey-verify=k3"]);
      assert.deepEqual(platformAddresses, ["127.0.0.1"], "as the DNS has them");
      assert.equal(delegated, true);
    });
    await t.step("aliases are followed to their end, and a circle has one", async () => {
      assert.deepEqual((await look("far.example.com")).aliases, [
        "edge.example.com",
        "www.example.com",
        TARGET,
      ]);
      const { aliases } = await look("loop.example.com");
      assert.ok(aliases.length <= 2, aliases.join());
    });
    await t.step("a name behind Cloudflare's proxy is known by all of its addresses", async () => {
      assert.equal((await look("proxied.example.com")).proxied, true);
      assert.equal((await look("half.example.com")).proxied, false);
      assert.equal((await look("www.example.com")).proxied, false);
    });
    await t.step("the nearest CAA records upwards hold", async () => {
      assert.deepEqual((await look("own.example.com")).caa, {
        name: "own.example.com",
        records: ["issue ;"],
      });
      const { caa } = await look("deep.below.example.com");
      assert.deepEqual([caa?.name, caa?.records.includes("issue ca.test")], ["example.com", true]);
      assert.equal((await lookAtDomain(deps, { hostname: "a.apps.test", target: TARGET }, never)).caa, null);
    });
    await t.step("addresses of the edges that are set go before those of the DNS", async () => {
      const set = dnsOf(knot, { addresses: ["198.51.100.1"] });
      const seen = await lookAtDomain(set, { hostname: "www.example.com", target: TARGET }, never);
      assert.deepEqual(seen.platformAddresses, ["198.51.100.1"]);
    });
    await t.step("a look is what a journal can keep", async () => {
      const seen = await look("www.example.com");
      assert.deepEqual(JSON.parse(JSON.stringify(seen)), seen);
    });
    await t.step("servers that are away are not taken for a name without records", async () => {
      await knot.stop();
      await assert.rejects(look("www.example.com"), (error) => isFault(error, "unavailable"));
    });
  },
});

Deno.test("Cloudflare's addresses are known, and their neighbours are not among them", () => {
  const proxy = ["104.16.0.0", "104.27.255.255", "172.64.0.1", "2606:4700::1", "2a06:98c7:ffff::1"];
  const other = ["104.28.0.0", "104.15.255.255", "1.1.1.1", "2606:4701::1", "2a06:98c8::1"];
  assert.deepEqual(proxy.filter((each) => !isCloudflare(each)), []);
  assert.deepEqual(other.filter(isCloudflare), []);
});
