import assert from "node:assert/strict";
import { judge, type JudgedDomain, type Observation, unanswered } from "./mod.ts";

const SHOP: JudgedDomain = {
  hostname: "shop.example.com",
  isApex: false,
  target: "k3.cname.apps.test",
  proofText: "unkey-verify=k3",
  contested: false,
  authorities: ["ca.test"],
};
const APEX: JudgedDomain = { ...SHOP, hostname: "example.com", isApex: true };
const NOTHING: Observation = {
  delegated: true,
  aliases: [],
  addresses: [],
  proxied: false,
  texts: [],
  caa: null,
  platformAddresses: ["198.51.100.1", "2001:db8::1"],
};

interface Case {
  readonly domain?: Partial<JudgedDomain>;
  readonly seen?: Partial<Observation>;
  readonly proof?: string;
  readonly reaches?: boolean;
  /** Codes with what message and fix must say. */
  readonly issues?: Readonly<Record<string, readonly [RegExp, RegExp]>>;
}

const CASES: Readonly<Record<string, Case>> = {
  "the CNAME": { seen: { aliases: ["k3.cname.apps.test"] }, proof: "cname", reaches: true },
  "an alias of the CNAME": {
    seen: { aliases: ["edge.example.com", "k3.cname.apps.test"] },
    proof: "cname",
    reaches: true,
  },
  "a TXT record alone": {
    seen: { texts: ["other", "unkey-verify=k3"] },
    proof: "txt",
    issues: {
      no_record: [/"shop.example.com" has no record yet/, /Set CNAME shop.example.com -> k3\.cname/],
    },
  },
  "nothing": {
    issues: {
      no_record: [/has no record yet, so requests to it go nowhere/, /^Set CNAME shop\.example\.com -> k3/],
    },
  },
  "a domain that is not registered": {
    seen: { delegated: false },
    issues: { not_delegated: [/not registered, or has no name servers/, /Register the domain.*CNAME shop/] },
  },
  "another host's address": {
    seen: { addresses: ["192.0.2.7"] },
    issues: {
      points_elsewhere: [
        /leads to 192\.0\.2\.7 instead of this platform\./,
        /Replace that record by CNAME shop\.example\.com -> k3/,
      ],
    },
  },
  "the CNAME of another domain here": {
    seen: { aliases: ["j2.cname.apps.test"] },
    issues: {
      points_elsewhere: [
        /leads to j2\.cname\.apps\.test, which is another name of this platform\./,
        /CNAME shop\.example\.com -> k3/,
      ],
    },
  },
  "addresses of the edges": {
    seen: { addresses: ["198.51.100.1"] },
    reaches: true,
    issues: {
      proof_missing: [/by addresses, which do not say whose/, /CNAME shop.*or add TXT _unkey\.shop/],
    },
  },
  "addresses of the edges with a TXT record": {
    seen: { addresses: ["198.51.100.1", "2001:db8::1"], texts: ["unkey-verify=k3"] },
    proof: "txt",
    reaches: true,
  },
  "another host's address beside the edges'": {
    seen: { addresses: ["198.51.100.1", "192.0.2.7", "2001:db8::9"] },
    issues: {
      mixed_addresses: [/192\.0\.2\.7, 2001:db8::9/, /Remove A shop\.example\.com -> 192\.0\.2\.7, AAAA/],
    },
  },
  "Cloudflare's proxy": {
    seen: { addresses: ["104.16.1.1"], proxied: true },
    issues: {
      proxied: [/behind Cloudflare's proxy. That hides/, /"DNS only".*or prove control with TXT _unkey/],
    },
  },
  "Cloudflare's proxy with a TXT record": {
    seen: { addresses: ["104.16.1.1"], proxied: true, texts: ["unkey-verify=k3"] },
    proof: "txt",
    reaches: true,
    issues: { proxied: [/proven by its TXT record/, /For direct connections/] },
  },
  "a name that another workspace has": {
    domain: { contested: true },
    seen: { aliases: ["k3.cname.apps.test"], texts: ["unkey-verify=old"] },
    reaches: true,
    issues: {
      proof_missing: [
        /verified for another workspace.*"unkey-verify=old" at present/,
        /Set TXT _unkey\.shop/,
      ],
    },
  },
  "a name that another workspace has, with the TXT record": {
    domain: { contested: true },
    seen: { aliases: ["k3.cname.apps.test"], texts: ["unkey-verify=k3"] },
    proof: "txt",
    reaches: true,
  },
  "CAA of another authority": {
    seen: {
      aliases: ["k3.cname.apps.test"],
      caa: { name: "example.com", records: ["issue Other.test; x=1", "iodef mailto:a@b"] },
    },
    proof: "cname",
    reaches: true,
    issues: { caa_forbids: [/of other\.test only/, /Add CAA example\.com -> 0 issue "ca\.test"/] },
  },
  "CAA of no authority": {
    seen: { aliases: ["k3.cname.apps.test"], caa: { name: "example.com", records: ["issue ;"] } },
    proof: "cname",
    reaches: true,
    issues: { caa_forbids: [/of no authority only/, /Add CAA/] },
  },
  "CAA of this authority": {
    seen: {
      aliases: ["k3.cname.apps.test"],
      caa: { name: "example.com", records: ["issue ca.test; accounturi=https://ca.test/1"] },
    },
    proof: "cname",
    reaches: true,
  },
  "CAA that says nothing of this kind": {
    seen: {
      aliases: ["k3.cname.apps.test"],
      caa: { name: "example.com", records: ["issuewild other.test"] },
    },
    proof: "cname",
    reaches: true,
  },
  "CAA when the authority is not known": {
    domain: { authorities: [] },
    seen: { aliases: ["k3.cname.apps.test"], caa: { name: "example.com", records: ["issue ;"] } },
    proof: "cname",
    reaches: true,
  },
};

Deno.test("a look at a name that is not an apex", async (t) => {
  for (const [name, each] of Object.entries(CASES)) {
    await t.step(name, () => {
      const findings = judge({ ...SHOP, ...each.domain }, { ...NOTHING, ...each.seen });
      assert.equal(findings.proof, each.proof);
      assert.equal(findings.reaches, each.reaches ?? false);
      assert.deepEqual(findings.issues.map(({ code }) => code), Object.keys(each.issues ?? {}));
      for (const { code, message, fix } of findings.issues) {
        const [said, advice] = each.issues?.[code] ?? [];
        assert.match(message, said ?? /^$/);
        assert.match(fix, advice ?? /^$/);
      }
    });
  }
});

Deno.test("an apex is proven by the edges' addresses, all of them or some, and by nothing else", () => {
  const proofOf = (seen: Partial<Observation>, changes: Partial<JudgedDomain> = {}) =>
    judge({ ...APEX, ...changes }, { ...NOTHING, ...seen }).proof;
  assert.equal(proofOf({ addresses: ["198.51.100.1"] }), "address");
  assert.equal(proofOf({ addresses: ["198.51.100.1", "2001:db8::1"] }), "address");
  assert.equal(proofOf({ addresses: ["198.51.100.1", "192.0.2.7"] }), undefined);
  assert.equal(proofOf({ addresses: [] }), undefined, "no record is no proof");
  assert.equal(proofOf({ addresses: ["198.51.100.1"], platformAddresses: [] }), undefined);
  assert.equal(proofOf({ addresses: ["198.51.100.1"] }, { contested: true }), undefined);
  assert.equal(proofOf({ texts: ["unkey-verify=k3"] }, { contested: true }), "txt");
});

Deno.test("the records to set are a CNAME, or the edges' addresses for an apex, and a TXT record where it is needed", () => {
  const rows = (domain: JudgedDomain, seen: Partial<Observation>) =>
    judge(domain, { ...NOTHING, ...seen }).records.map(({ type, name, value, required }) =>
      `${required ? "" : "or "}${type} ${name} ${value}`
    );
  const text = "TXT _unkey.shop.example.com unkey-verify=k3";
  assert.deepEqual(rows(SHOP, {}), ["CNAME shop.example.com k3.cname.apps.test", `or ${text}`]);
  assert.deepEqual(rows({ ...SHOP, contested: true }, {})[1], text);
  assert.deepEqual(rows(SHOP, { proxied: true, addresses: ["104.16.1.1"] })[1], text);
  assert.deepEqual(rows(APEX, {}), [
    "A example.com 198.51.100.1",
    "AAAA example.com 2001:db8::1",
    "or TXT _unkey.example.com unkey-verify=k3",
  ]);
  assert.equal(rows(APEX, { platformAddresses: [] })[0], "ALIAS example.com k3.cname.apps.test");
});

Deno.test("servers that do not answer are an issue, and no proof", () => {
  const { proof, reaches, issues, records } = unanswered(SHOP, []);
  assert.deepEqual([proof, reaches, issues.map(({ code }) => code)], [undefined, false, ["dns_unavailable"]]);
  assert.equal(records[0]?.type, "CNAME");
});
