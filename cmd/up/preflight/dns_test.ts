import assert from "node:assert/strict";
import { hasKnot, TestKnot } from "../../../pkg/testkit/knot.ts";
import { isPrivate } from "./addresses.ts";
import { dnsNotices, noticesOf, type OwnAddresses } from "./dns.ts";
import { preflight } from "./mod.ts";

const PUBLIC: OwnAddresses = { addresses: ["203.0.113.10", "2001:db8::10", "10.0.0.5"], isTold: false };
const PRIVATE: OwnAddresses = { addresses: ["10.0.0.5"], isTold: false };
const CONFIGURED: OwnAddresses = { addresses: ["198.51.100.7"], isTold: true };

Deno.test("names that lead elsewhere are reported with the records to set", async (t) => {
  const record = "apps.example.com";
  const cases: readonly {
    readonly name: string;
    readonly own: OwnAddresses;
    readonly addresses: readonly string[];
    readonly want: readonly RegExp[];
  }[] = [
    { name: "here", own: PUBLIC, addresses: ["203.0.113.10"], want: [] },
    { name: "here, by both families", own: PUBLIC, addresses: ["203.0.113.10", "2001:DB8::10"], want: [] },
    { name: "here, as the operator has set", own: CONFIGURED, addresses: ["198.51.100.7"], want: [] },
    {
      name: "nowhere",
      own: PUBLIC,
      addresses: [],
      want: [
        /^apps\.example\.com has no address\.$/,
        /^Set these records.*\n {4}apps\.example\.com\. A 203\.0\.113\.10\n {4}apps\.example\.com\. AAAA 2001:db8::10$/s,
      ],
    },
    {
      name: "another machine",
      own: PUBLIC,
      addresses: ["198.51.100.7"],
      want: [/leads to 198\.51\.100\.7, which is not this machine \(203\.0\.113\.10/, /Set these records/],
    },
    {
      name: "another machine, too",
      own: PUBLIC,
      addresses: ["203.0.113.10", "2001:db8::bad"],
      want: [/leads to 2001:db8::bad, too, .* Remove that record\./, /Set these records/],
    },
    {
      name: "a router in front of it",
      own: PRIVATE,
      addresses: ["198.51.100.7"],
      want: [/private addresses only \(10\.0\.0\.5\)\. .*--public-address 198\.51\.100\.7\.$/],
    },
    {
      name: "another router than the one that is set",
      own: CONFIGURED,
      addresses: ["198.51.100.8"],
      want: [
        /leads to 198\.51\.100\.8, which is not this machine/,
        /apps\.example\.com\. A 198\.51\.100\.7$/,
      ],
    },
  ];
  for (const { name, own, addresses, want } of cases) {
    await t.step(name, () => {
      const notices = noticesOf([{ record, answer: { addresses } }], own);
      assert.equal(notices.length, want.length, notices.join("\n"));
      for (const [index, pattern] of want.entries()) assert.match(notices[index] ?? "", pattern);
    });
  }
  await t.step("a resolver that does not answer is no reason to change records", () => {
    assert.deepEqual(noticesOf([{ record, answer: { error: "timed out" } }], PUBLIC), [
      "apps.example.com could not be asked for: timed out",
    ]);
  });
});

Deno.test("isPrivate() knows the addresses that only their own network reaches", () => {
  for (const each of ["10.1.2.3", "172.16.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "fd00::1"]) {
    assert.ok(isPrivate(each), each);
  }
  for (const each of ["203.0.113.1", "172.32.0.1", "100.128.0.1", "2001:db8::1"]) {
    assert.ok(!isPrivate(each), each);
  }
});

Deno.test({
  name: "the DNS is asked for the domain, the api's host and any name below",
  ignore: !hasKnot(),
  async fn() {
    await using knot = await TestKnot.start({
      "example.com": [
        "apps A 203.0.113.10",
        "apps AAAA 2001:db8::bad",
        "*.apps A 203.0.113.10",
        "api.apps A 192.0.2.1",
      ],
    });
    const { signal } = new AbortController();
    const options = { publicAddresses: ["203.0.113.10"], resolver: knot.server, ports: [] };
    const notices = await preflight({
      ...options,
      domain: "apps.example.com",
      apiHost: "api.apps.example.com",
    }, signal);
    assert.deepEqual(notices.map(({ subject }) => subject), ["dns", "dns", "dns"]);
    assert.match(notices[0]?.text ?? "", /^apps\.example\.com leads to 2001:db8::bad, too/);
    assert.match(notices[1]?.text ?? "", /^api\.apps\.example\.com leads to 192\.0\.2\.1/);
    assert.doesNotMatch(notices[2]?.text ?? "", /\*\./, "the wildcard is right");

    const names = [{ asked: "abc.none.example.org", record: "*.none.example.org" }];
    const own = { addresses: ["203.0.113.10"], isTold: true };
    const [first] = await dnsNotices(
      { names, own, resolver: { address: "127.0.0.1", port: 9 } },
      AbortSignal.timeout(1),
    );
    assert.match(first ?? "", /could not be asked for/);
  },
});
