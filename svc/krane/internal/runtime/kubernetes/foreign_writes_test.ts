import assert from "node:assert/strict";
import { createLogger } from "../../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import { ForeignWrites } from "./foreign_writes.ts";

/** Two writers without a pause used up a core of the cluster's apiserver. */
Deno.test("ForeignWrites lets the agent write ever more slowly against another writer, and says so once", async () => {
  const lines: string[] = [];
  const clock = new ManualClock();
  const log = createLogger({ service: "t", level: "debug", write: (line) => lines.push(line) });
  const writes = new ForeignWrites({ clock, log });
  let generation = 1;
  const waitMs = (name = "app"): number =>
    writes.waitMs({ kind: "ReplicaSet", namespace: "ns", name, generation, writers: ["flux"] });
  for (; generation <= 3; generation++) assert.equal(waitMs(), 0, "a mistake is mended at once");
  assert.equal(lines.length, 0);
  let before = 0;
  for (; generation <= 12; generation++) {
    const wait = waitMs();
    assert.ok(wait > 0 && wait <= 60_000, `${wait} ms`);
    assert.equal(waitMs(), wait, "the same change is not counted again");
    await clock.advance(wait);
    assert.equal(waitMs(), 0, "then the agent has its say");
    before = wait;
  }
  assert.ok(before > 5_000, `${before} ms at the end`);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /keeps changing.*flux/);
  assert.equal(waitMs("other"), 0, "others are not held up");
  await clock.advance(120_000);
  generation++;
  assert.equal(waitMs(), 0, "it is over");
});
