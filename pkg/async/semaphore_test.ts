import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { Semaphore } from "./mod.ts";

Deno.test("Semaphore gives its permits in order, and never more than it has", async () => {
  const semaphore = new Semaphore({ permits: 2 });
  const started: number[] = [];
  let running = 0;
  let runningMax = 0;
  const gates = [0, 1, 2, 3, 4].map(() => Promise.withResolvers<void>());
  const all = gates.map(({ promise }, index) =>
    semaphore.run(async () => {
      started.push(index);
      runningMax = Math.max(runningMax, ++running);
      await promise;
      running--;
    })
  );
  await settle();
  assert.deepEqual(started, [0, 1]);
  assert.equal(semaphore.waiting, 3);
  gates[1]?.resolve();
  await settle();
  assert.deepEqual(started, [0, 1, 2]);
  for (const { resolve } of gates) resolve();
  await Promise.all(all);
  assert.deepEqual(started, [0, 1, 2, 3, 4]);
  assert.equal(runningMax, 2);
  assert.equal(semaphore.waiting, 0);
});

Deno.test("Semaphore hands a released permit to the longest waiter, so that tryAcquire() cannot overtake it", async () => {
  const semaphore = new Semaphore({ permits: 1 });
  const first = await semaphore.acquire();
  const second = semaphore.acquire();
  first.release();
  first.release();
  assert.equal(semaphore.tryAcquire(), undefined);
  (await second).release();
  using held = semaphore.tryAcquire();
  assert.ok(held !== undefined);
  assert.equal(semaphore.tryAcquire(), undefined);
});

Deno.test("Semaphore frees the permit of work that throws", async () => {
  const semaphore = new Semaphore({ permits: 1 });
  await assert.rejects(semaphore.run(() => Promise.reject(new Error("broken"))), /broken/);
  assert.ok(semaphore.tryAcquire() !== undefined);
});

Deno.test("Semaphore loses no permit to a waiter whose signal aborts", async () => {
  const semaphore = new Semaphore({ permits: 1 });
  const held = await semaphore.acquire();
  const abort = new AbortController();
  const aborted = semaphore.acquire(abort.signal);
  const next = semaphore.acquire();
  abort.abort(new Error("gone"));
  await assert.rejects(aborted, /gone/);
  await assert.rejects(semaphore.acquire(abort.signal), /gone/);
  assert.equal(semaphore.waiting, 1);
  held.release();
  (await next).release();
  assert.ok(semaphore.tryAcquire() !== undefined);
});

Deno.test("Semaphore refuses a waiter when its queue is full", async () => {
  const semaphore = new Semaphore({ permits: 1, queueMax: 1 });
  const held = await semaphore.acquire();
  const queued = semaphore.acquire();
  await assert.rejects(semaphore.acquire(), (error) => isFault(error) && error.code === "unavailable");
  held.release();
  (await queued).release();
});

/** Lets everything run that can. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

Deno.test("Semaphore begins work at once while a permit is free", async () => {
  const semaphore = new Semaphore({ permits: 1 });
  let isBegun = false;
  const work = semaphore.run(() => {
    isBegun = true;
    return Promise.resolve();
  });
  assert.equal(isBegun, true);
  await work;
});
