import assert from "node:assert/strict";
import { loadConfig } from "../../../../pkg/config/mod.ts";
import { DOMAIN_FIELDS, type DomainConfig, openDomains } from "./mod.ts";

function load(env: Readonly<Record<string, string>>): DomainConfig {
  return loadConfig(DOMAIN_FIELDS, { flags: new Map(), env: (name) => env[name], readFile: () => "" });
}

Deno.test("there are custom domains when the operator names their target", () => {
  assert.equal(openDomains(load({ UNKEY_DEFAULT_DOMAIN: "apps.test" })), undefined);
  const { platform } = openDomains(load({
    UNKEY_DEFAULT_DOMAIN: "apps.test",
    UNKEY_REGIONAL_APEX_DOMAIN: "region.test",
    UNKEY_DOMAIN_TARGET: "cname.edges.test",
    UNKEY_DOMAIN_ADDRESSES: "192.0.2.1,2001:db8::1",
  })) ?? {};
  assert.deepEqual(platform, {
    target: "cname.edges.test",
    addresses: ["192.0.2.1", "2001:db8::1"],
    authorities: ["letsencrypt.org"],
    ownDomains: ["apps.test", "region.test", "cname.edges.test"],
  });
});

Deno.test("settings of custom domains that cannot be right are refused at the start", async (t) => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["UNKEY_DOMAIN_TARGET", "Edges.test", /must be a domain in lower case/],
    ["UNKEY_DOMAIN_ADDRESSES", "192.0.2.1,edge.test", /must be IP addresses/],
    ["UNKEY_DOMAIN_RESOLVER", "ns.test", /must be an address/],
    ["UNKEY_DOMAIN_NAMESERVERS", "192.0.2.1:0", /must be an address/],
    ["UNKEY_DEFAULT_DOMAIN", "-a", /must be a domain in lower case/],
  ];
  for (const [name, value, text] of cases) {
    await t.step(name, () => assert.throws(() => load({ [name]: value }), text));
  }
});
