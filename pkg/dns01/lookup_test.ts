import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { hasKnot, TestKnot } from "../testkit/knot.ts";
import { openLookup } from "./mod.ts";

const never = new AbortController().signal;

const ZONES = {
  "example.com": [
    "apps CNAME example.com.",
    "_acme-challenge.shop CNAME one.example.com.",
    "one CNAME two.proofs.test.",
    "_acme-challenge.loop CNAME loop-a.example.com.",
    "loop-a CNAME loop-b.example.com.",
    "loop-b CNAME loop-a.example.com.",
    "_acme-challenge.self CNAME _acme-challenge.self.example.com.",
    '_acme-challenge TXT "one" "two"',
    '_acme-challenge TXT "three"',
  ],
  "sub.example.com": [],
  "proofs.test": [],
};

Deno.test({
  name: "a record's place is the zone that holds it, behind its aliases",
  ignore: !hasKnot(),
  fn: async (t) => {
    await using knot = await TestKnot.start(ZONES);
    const { server } = knot;
    const lookup = openLookup({ resolver: server, nameservers: [server] });
    const cases: readonly (readonly [string, string, string, string])[] = [
      [
        "a name that is not there",
        "_acme-challenge.a.b.example.com",
        "_acme-challenge.a.b.example.com",
        "example.com",
      ],
      ["the zone itself", "example.com", "example.com", "example.com"],
      ["capitals and a dot", "_acme-challenge.EXAMPLE.com.", "_acme-challenge.example.com", "example.com"],
      [
        "a zone below",
        "_acme-challenge.sub.example.com",
        "_acme-challenge.sub.example.com",
        "sub.example.com",
      ],
      ["two aliases", "_acme-challenge.shop.example.com", "two.proofs.test", "proofs.test"],
      // The question for its zone is answered with the one that the alias leads to.
      [
        "below an alias",
        "_acme-challenge.apps.example.com",
        "_acme-challenge.apps.example.com",
        "example.com",
      ],
    ];
    for (const [what, given, name, zone] of cases) {
      await t.step(what, async () => assert.deepEqual(await lookup.place(given, never), { name, zone }));
    }
    for (const name of ["_acme-challenge.loop.example.com", "_acme-challenge.self.example.com"]) {
      await t.step(`${name} has no end`, async () => {
        await assert.rejects(
          lookup.place(name, never),
          (error) => isFault(error, "failed_precondition") && /aliases/.test(error.publicMessage ?? ""),
        );
      });
    }
    await t.step("a value is shown when it is one of the record's, whole", async () => {
      const place = { name: "_acme-challenge.example.com", zone: "example.com" };
      for (
        const [value, expected] of [["onetwo", true], ["three", true], ["one", false], ["", false]] as const
      ) {
        assert.equal(await lookup.isShown(place, value, never), expected, value);
      }
    });
    await t.step("a value is not shown while one of the servers does not answer", async () => {
      const place = { name: "_acme-challenge.example.com", zone: "example.com" };
      const away = { address: "127.0.0.1", port: 1 };
      const both = openLookup({ resolver: server, nameservers: [server, away] });
      assert.equal(await both.isShown(place, "three", never), false);
    });
    await t.step("a question ends with its signal", async () => {
      const gone = AbortSignal.abort(new Error("stopped"));
      await assert.rejects(lookup.place("example.com", gone), /stopped/);
    });
  },
});
