import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { hasKnot, TestKnot } from "../testkit/knot.ts";
import { isPublicAddress, openDns, type RecordType } from "./mod.ts";

const never = new AbortController().signal;
const ZONES = {
  "example.com": [
    "www CNAME Shop.Target.test.",
    "shop A 192.0.2.1",
    "shop A 192.0.2.2",
    "shop AAAA 2001:db8::1",
    '@ CAA 0 issue "ca.example; account=1"',
    '_unkey.shop TXT "unkey-" "verify"',
    "*.wild CNAME shop.example.com.",
  ],
  "deep.example.com": [],
};

Deno.test({
  name: "records are those of the name itself, in one form for each type",
  ignore: !hasKnot(),
  fn: async (t) => {
    await using knot = await TestKnot.start(ZONES);
    const dns = openDns({ resolver: knot.server, nameservers: [knot.server] });
    const cases: readonly (readonly [string, RecordType, readonly string[]])[] = [
      ["www.example.com", "CNAME", ["shop.target.test"]],
      ["WWW.Example.com.", "CNAME", ["shop.target.test"]],
      ["shop.example.com", "CNAME", []],
      ["shop.example.com", "A", ["192.0.2.1", "192.0.2.2"]],
      ["shop.example.com", "AAAA", ["2001:db8::1"]],
      ["example.com", "CAA", ["issue ca.example; account=1"]],
      ["_unkey.shop.example.com", "TXT", ["unkey-verify"]],
      ["a.wild.example.com", "CNAME", ["shop.example.com"]],
      ["nothing.shop.example.com", "A", []],
    ];
    for (const [name, type, expected] of cases) {
      await t.step(`${type} of ${name}`, async () => {
        assert.deepEqual([...await dns.records(name, type, never)].sort(), expected);
      });
    }
    await t.step("zones are found from the name upwards", async () => {
      assert.equal(await dns.zoneOf("a.b.example.com", never), "example.com");
      assert.equal(await dns.zoneOf("a.deep.example.com", never), "deep.example.com");
    });
  },
});

Deno.test({
  name: "of servers that differ only the common records count, and one that gives no answer does not",
  ignore: !hasKnot(),
  fn: async (t) => {
    await using first = await TestKnot.start({ "example.com": ["shop A 192.0.2.1", "shop A 192.0.2.2"] });
    await using second = await TestKnot.start({ "example.com": ["shop A 192.0.2.2", "shop A 192.0.2.3"] });
    const silent = { address: "127.0.0.1", port: 1 };
    const dns = openDns({ resolver: first.server, nameservers: [silent, first.server, second.server] });
    assert.deepEqual(await dns.records("shop.example.com", "A", never), ["192.0.2.2"]);
    await t.step("no answer at all is not the answer that there is nothing", async () => {
      const alone = openDns({ resolver: first.server, nameservers: [silent] });
      await assert.rejects(
        alone.records("shop.example.com", "A", never),
        (error) => isFault(error, "unavailable"),
      );
    });
    await t.step("a question ends with its signal", async () => {
      const gone = AbortSignal.abort(new Error("stopped"));
      await assert.rejects(dns.records("shop.example.com", "A", gone), /stopped/);
    });
  },
});

Deno.test({
  name: "servers of a private network are not asked about the zones of strangers",
  ignore: !hasKnot(),
  fn: async () => {
    await using knot = await TestKnot.start({ "example.com": [] });
    const all = openDns({ resolver: knot.server });
    assert.deepEqual(await all.serversOf("example.com", never), [{ address: "127.0.0.1", port: 53 }]);
    const dns = openDns({ resolver: knot.server, publicOnly: true });
    assert.deepEqual(await dns.serversOf("example.com", never), []);
    await assert.rejects(dns.records("shop.example.com", "A", never), (error) => isFault(error));
  },
});

Deno.test("isPublicAddress() refuses this machine, private networks, and groups", () => {
  const isPublic = ["8.8.8.8", "192.0.2.1", "172.32.0.1", "100.128.0.1", "2001:db8::1", "64:ff9b::808:808"];
  const isNot = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "::1",
    "fd00::1",
    "fe80::1",
    "::ffff:127.0.0.1",
  ];
  assert.deepEqual(isPublic.filter((each) => !isPublicAddress(each)), []);
  assert.deepEqual(isNot.filter(isPublicAddress), []);
});
