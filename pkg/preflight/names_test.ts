import assert from "node:assert/strict";
import { hasKnot, TestKnot } from "../testkit/knot.ts";
import { namesProbe } from "./mod.ts";

const { signal } = new AbortController();

Deno.test({
  name: "names without an address are a warning with their records",
  ignore: !hasKnot(),
  async fn() {
    await using knot = await TestKnot.start({ "example.com": ["*.apps A 192.0.2.1", "bare TXT x"] });
    const look = (...records: readonly string[]) =>
      namesProbe(
        records.map((record) => ({ asked: record.replace("*", "any"), record })),
        knot.server,
      ).ask(signal);
    const found = await look("*.apps.example.com");
    assert.deepEqual([found.outcome, found.text], ["ok", "*.apps.example.com leads to 192.0.2.1"]);
    const missing = await look("*.apps.example.com", "bare.example.com", "*.bare.example.com");
    assert.equal(missing.outcome, "warning");
    assert.match(missing.text, /^bare\.example\.com, \*\.bare\.example\.com have no address/);
    const nowhere = namesProbe([{ asked: "a.example.com", record: "a.example.com" }], {
      address: "127.0.0.1",
      port: 9,
    });
    await assert.rejects(nowhere.ask(signal));
  },
});
