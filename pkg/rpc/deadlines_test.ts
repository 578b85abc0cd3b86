import assert from "node:assert/strict";
import { Deadlines } from "./deadlines.ts";

const late = (): Error => new Error("late");

Deno.test("within() ends work that takes too long, and only that", async () => {
  const deadlines = new Deadlines();
  const never = new Promise<string>(() => undefined);
  const slow = Promise.withResolvers<string>();
  const patient = deadlines.within(300_000, () => slow.promise, late);
  await assert.rejects(deadlines.within(1, () => never, late), /late/);
  slow.resolve("slow");
  assert.equal(await patient, "slow");
  await assert.rejects(deadlines.within(1, () => Promise.reject(new Error("own")), late), /own/);
  // Had all of them not been let go of, a timer would be left, which fails the test.
});
