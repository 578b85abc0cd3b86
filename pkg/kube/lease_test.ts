import assert from "node:assert/strict";
import { type Clock, systemClock } from "../clock/mod.ts";
import { isFault } from "../fault/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import {
  AnyObject,
  type Cluster,
  deleteObject,
  fencedCluster,
  LeaderLease,
  LEASES,
  listObjects,
  type ObjectRef,
} from "./mod.ts";
import { apiTest, apply, signal, until } from "./testing_apiserver.ts";

const refOf = (name: string): ObjectRef => ({ namespace: "default", name });

/** A process that wants the lease; its clock can be put forward. */
class Contender {
  readonly lease: LeaderLease;
  readonly waited: string[] = [];
  readonly #stop = new AbortController();
  #aheadMs = 0;

  constructor(cluster: Cluster, name: string, identity: string) {
    const { sleep } = systemClock();
    const clock: Clock = { now: () => Date.now() + this.#aheadMs, sleep };
    const log = silentLogger();
    this.lease = new LeaderLease({
      cluster,
      ref: refOf(name),
      labels: { app: "test" },
      identity,
      clock,
      elapsedMs: clock.now,
      log,
    });
  }

  async acquire(): Promise<void> {
    const limited = AbortSignal.any([this.#stop.signal, signal()]);
    await this.lease.acquire((holder) => this.waited.push(holder), limited);
  }

  keep(): Promise<void> {
    return this.lease.keep(this.#stop.signal);
  }

  ages(ms: number): void {
    this.#aheadMs += ms;
  }

  stop(): void {
    this.#stop.abort();
  }
}

apiTest(
  "of several processes one holds a lease and writes, and another follows when it is gone",
  async (_, cluster) => {
    await oneHolder(cluster);
    await deadHolder(cluster);
    await lateHolder(cluster);
  },
);

/** Another one waits, and follows when it is given up. */
async function oneHolder(cluster: Cluster): Promise<void> {
  const [first, second] = [new Contender(cluster, "one", "first"), new Contender(cluster, "one", "second")];
  await first.acquire();
  assert.equal(first.lease.isHeld, true);
  const next = second.acquire();
  await until("the second to wait", () => second.waited.length > 0);
  assert.deepEqual([second.waited, second.lease.isHeld], [["first"], false]);
  const kept = first.keep();
  first.stop();
  await kept;
  await first.lease.release();
  await next;
  assert.deepEqual([first.lease.isHeld, second.lease.isHeld], [false, true]);
  await second.lease.release();
  const { items } = await listObjects(cluster, LEASES, { labels: { app: "test" } }, {
    schema: AnyObject,
    signal: signal(),
  });
  assert.deepEqual(items, [], "nothing is left");
}

/** It takes its own lease over at once when it is back, and loses it to the one that waited for long enough. */
async function deadHolder(cluster: Cluster): Promise<void> {
  await new Contender(cluster, "gone", "dead").acquire();
  const reborn = new Contender(cluster, "gone", "dead");
  await reborn.acquire();
  assert.deepEqual(reborn.waited, [], "it takes its own lease over");
  const second = new Contender(cluster, "gone", "second");
  const next = second.acquire();
  await until("the second to wait", () => second.waited.length > 0);
  second.ages(11_000);
  await next;
  assert.equal(second.lease.isHeld, true);
  await assert.rejects(
    reborn.keep(),
    (error) => isFault(error, "failed_precondition") && /is held by second/.test(error.message),
  );
  assert.equal(reborn.lease.isHeld, false);
}

/** A lease that is not renewed in time lets nothing be written. */
async function lateHolder(cluster: Cluster): Promise<void> {
  const holder = new Contender(cluster, "late", "holder");
  const fenced = fencedCluster(cluster, holder.lease);
  const refused = (error: unknown): boolean =>
    isFault(error, "unavailable") && /does not hold its lease/.test(error.message);
  await assert.rejects(apply(fenced, "a", "1"), refused);
  await holder.acquire();
  await apply(fenced, "a", "1");
  holder.ages(8_000);
  await assert.rejects(apply(fenced, "a", "2"), refused);
  await listObjects(fenced, LEASES, { labels: {} }, { schema: AnyObject, signal: signal() });
  const kept = holder.keep();
  await until("it to be renewed", () => holder.lease.isHeld);
  await apply(fenced, "a", "2");
  await deleteObject(cluster, LEASES, refOf("late"), { propagation: "Background", signal: signal() });
  holder.ages(8_000);
  await until("a deleted lease to be made again", () => holder.lease.isHeld);
  holder.stop();
  await kept;
}
