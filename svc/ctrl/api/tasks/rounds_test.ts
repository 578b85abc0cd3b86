import assert from "node:assert/strict";
import { inRounds, ROUNDS_MAX } from "./rounds.ts";

const never = new AbortController().signal;

Deno.test("inRounds() goes on while rounds are full, and not beyond its bound", async () => {
  for (const [full, expected] of [[0, 1], [3, 4], [ROUNDS_MAX + 5, ROUNDS_MAX]] as const) {
    let rounds = 0;
    await inRounds(never, () => Promise.resolve(++rounds <= full));
    assert.equal(rounds, expected);
  }
});

Deno.test("inRounds() begins no round after the signal", async () => {
  const stop = new AbortController();
  let rounds = 0;
  const run = inRounds(stop.signal, () => {
    rounds++;
    stop.abort(new Error("stopped"));
    return Promise.resolve(true);
  });
  await assert.rejects(run, /stopped/);
  assert.equal(rounds, 1);
});
