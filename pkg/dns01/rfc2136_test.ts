import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { isFault } from "../fault/mod.ts";
import { Secret } from "../secret/mod.ts";
import { eventually } from "../testkit/eventually.ts";
import { hasKnot, KNOT_KEY, TestKnot } from "../testkit/knot.ts";
import { openLookup, openProofRecords, openRfc2136 } from "./mod.ts";

const clock = systemClock();
const never = new AbortController().signal;

function records(knot: TestKnot, key = KNOT_KEY) {
  const { server } = knot;
  return openProofRecords({
    provider: openRfc2136({ server, key, clock }),
    lookup: openLookup({ resolver: server, nameservers: [server] }),
  });
}

Deno.test({
  name: "a signed update shows a proof at the zone's server, beside others, and takes it away again",
  ignore: !hasKnot(),
  fn: async () => {
    await using knot = await TestKnot.start({ "example.com": ['_acme-challenge TXT "of another"'] });
    const proofs = records(knot);
    const name = "_acme-challenge.example.com";
    const [first, second] = [{ name: "example.com", value: "first" }, {
      name: "example.com",
      value: "second",
    }];
    assert.equal(await proofs.isPublished(first, never), false);
    // Each call may be repeated by a step that runs twice.
    for (const proof of [first, first, second]) await proofs.publish(proof, never);
    assert.deepEqual(await knot.texts(name), ["first", "of another", "second"]);
    await eventually("the server to show it", () => proofs.isPublished(second, never));
    for (let times = 0; times < 2; times++) await proofs.withdraw(first, never);
    assert.deepEqual(await knot.texts(name), ["of another", "second"]);
    const deep = { name: "a.b.c.example.com", value: "v".repeat(43) };
    await proofs.publish(deep, never);
    assert.deepEqual(await knot.texts("_acme-challenge.a.b.c.example.com"), [deep.value]);
  },
});

Deno.test({
  name: "a proof goes to the zone that an alias names",
  ignore: !hasKnot(),
  fn: async () => {
    await using knot = await TestKnot.start({
      "example.com": ["_acme-challenge.shop CNAME shop.proofs.test."],
      "proofs.test": [],
    });
    const proofs = records(knot);
    const proof = { name: "shop.example.com", value: "delegated" };
    await proofs.publish(proof, never);
    assert.deepEqual(await knot.texts("shop.proofs.test"), ["delegated"]);
    assert.equal(await proofs.isPublished(proof, never), true);
    await proofs.withdraw(proof, never);
    assert.deepEqual(await knot.texts("shop.proofs.test"), []);
    await assert.rejects(
      proofs.publish({ name: "shop.nowhere.invalid", value: "x" }, never),
      (error) => isFault(error, "failed_precondition", "unavailable"),
    );
  },
});

Deno.test({
  name: "an update with another key is refused, and a server that is away is tried again",
  ignore: !hasKnot(),
  fn: async () => {
    await using knot = await TestKnot.start({ "example.com": [] });
    const wrong = { ...KNOT_KEY, secret: new Secret("b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXI=") };
    const proof = { name: "example.com", value: "x" };
    await assert.rejects(
      records(knot, wrong).publish(proof, never),
      (error) => isFault(error, "failed_precondition") && /NOTAUTH/.test(error.message),
    );
    assert.deepEqual(await knot.texts("_acme-challenge.example.com"), []);
    const absent = openRfc2136({ server: { address: "127.0.0.1", port: 1 }, key: KNOT_KEY, clock });
    const record = { zone: "example.com", name: "a.example.com", value: "x" };
    await assert.rejects(absent.add(record, never), (error) => isFault(error, "unavailable"));
    await assert.rejects(absent.add(record, AbortSignal.abort(new Error("stopped"))), /stopped/);
  },
});
