import assert from "node:assert/strict";
import { KeyedLock } from "./keyed_lock.ts";

Deno.test("KeyedLock runs sharing work side by side, and exclusive work between earlier and later sharers", async () => {
  const lock = new KeyedLock();
  const events: string[] = [];
  const gates = [1, 2, 3].map(() => Promise.withResolvers<void>());
  const work = (name: string, gate: number) => async (): Promise<void> => {
    events.push(`${name} begins`);
    await gates[gate]?.promise;
    events.push(`${name} ends`);
  };
  const all = [
    lock.share("key", work("a", 0)),
    lock.share("key", work("b", 0)),
    lock.run("key", work("alone", 1)),
    lock.share("key", work("c", 2)),
    lock.run("other key", work("other", 2)),
  ];
  gates[1]?.resolve();
  gates[2]?.resolve();
  await all[4];
  assert.deepEqual(events, ["a begins", "b begins", "other begins", "other ends"]);
  gates[0]?.resolve();
  await Promise.all(all);
  assert.deepEqual(events.slice(4), ["a ends", "b ends", "alone begins", "alone ends", "c begins", "c ends"]);
});

Deno.test("work that fails does not keep the key", async () => {
  const lock = new KeyedLock();
  const fails = (): Promise<void> => Promise.reject(new Error("broken"));
  await assert.rejects(lock.share("key", fails), /broken/);
  await assert.rejects(lock.run("key", fails), /broken/);
  assert.equal(await lock.run("key", () => Promise.resolve("runs")), "runs");
});
