import assert from "node:assert/strict";
import { SleepingApp } from "../testbed/sleeping_app.ts";

Deno.test("a preview that sleeps serves its first request, and then a thousand that wait for it at once", async () => {
  await using app = await SleepingApp.start();
  const { bed, id } = app;
  await app.fallAsleep();
  const asleep = await bed.unkey(["status", id]);
  assert.match(asleep.stdout, /status +ready \(asleep\)/);
  assert.match(asleep.stdout, /asleep +for .*: the next one wakes it/);
  assert.deepEqual((await app.burst(1)).failed, []);
  await app.fallAsleep();
  // Also with an edge that has no knowledge of before, and a worker that looks anew.
  for (const part of ["edge", "worker"] as const) {
    await bed.parts[part].kill("SIGKILL");
    await bed.parts[part].start();
  }
  const { served, failed } = await app.burst(1_000);
  assert.deepEqual(failed, []);
  assert.equal(served, 1_000);
  assert.equal((await bed.containers()).length, 1);
});
