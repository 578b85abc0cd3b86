import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { contextPath, createPacks, type CtrlDatabase, moveStatus } from "../../internal/store/mod.ts";
import { NOW_MS, type Seed, seedDeployment, seedProject } from "../../internal/store/testing.ts";
import { newPack, seedContext, seedPack } from "../../internal/store/testing_content.ts";
import { memoryDatabase } from "../../worker/testing.ts";
import { sweepContent } from "./content_sweeper.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

interface Bed {
  readonly db: CtrlDatabase;
  readonly seed: Seed;
  /** Ids of the packs and contexts that have rows. */
  left(): Promise<readonly string[]>;
  /** Runs one sweep. */
  sweep(nowMs: number): Promise<void>;
  /** Ids of the packs whose objects were deleted. */
  readonly deleted: string[];
  /** Deletes that fail from now on. */
  fail: number;
}

async function onBed(test: (bed: Bed) => Promise<void>): Promise<void> {
  const db = await memoryDatabase();
  const packs = async () => (await db.kysely.selectFrom("packs").select("id").execute()).map(({ id }) => id);
  const contexts = async () =>
    (await db.kysely.selectFrom("contexts").select("id").execute()).map(({ id }) => id);
  const bed: Bed = {
    db,
    seed: await seedProject(db),
    left: async () => [...await packs(), ...await contexts()].toSorted(),
    deleted: [],
    fail: 0,
    async sweep(nowMs) {
      const stop = new AbortController();
      const slept = Promise.withResolvers<void>();
      const clock = new ManualClock();
      const at = {
        now: () => nowMs,
        sleep: (ms: number, signal?: AbortSignal) => {
          slept.resolve();
          return clock.sleep(ms, signal);
        },
      };
      const objects = {
        delete: async (key: string) => {
          const id = key.slice(key.lastIndexOf("/") + 1);
          assert.ok((await packs()).includes(id), "the row goes after the object");
          if (bed.fail-- > 0) throw new Error("the store is down");
          bed.deleted.push(id);
        },
      };
      const sweeps = sweepContent({ db, clock: at, log: silentLogger(), objects }, stop.signal);
      await slept.promise;
      stop.abort();
      await sweeps;
    },
  };
  try {
    await test(bed);
  } finally {
    await db.close();
  }
}

Deno.test("a context goes a day after its last use, and its packs a week after it", () =>
  onBed(async ({ db, seed, left, sweep, deleted }) => {
    const { pack } = await seedPack(db, seed, { usedAtMs: NOW_MS - 30 * DAY_MS });
    const context = await seedContext(db, seed, [pack]);
    await sweep(NOW_MS + DAY_MS);
    assert.deepEqual(await left(), [pack.id, context.id].toSorted());
    await sweep(NOW_MS + DAY_MS + 1);
    assert.deepEqual(await left(), [pack.id]);
    await sweep(NOW_MS + 7 * DAY_MS);
    assert.deepEqual([await left(), deleted], [[pack.id], []]);
    await sweep(NOW_MS + 7 * DAY_MS + 1);
    assert.deepEqual([await left(), deleted], [[], [pack.id]]);
    assert.deepEqual(await db.kysely.selectFrom("chunks").selectAll().execute(), []);
    assert.deepEqual(await db.kysely.selectFrom("context_packs").selectAll().execute(), []);
  }));

Deno.test("a context stays with its packs as long as a deployment waits with it, for a week and more", () =>
  onBed(async ({ db, seed, left, sweep }) => {
    const { pack } = await seedPack(db, seed);
    const context = await seedContext(db, seed, [pack]);
    const { id } = await seedDeployment(db, seed, {
      source: "context",
      image: null,
      build_context_path: contextPath(context.id),
    });
    for (const days of [1, 7, 8, 20]) {
      await sweep(NOW_MS + days * DAY_MS + HOUR_MS);
      assert.deepEqual(await left(), [pack.id, context.id].toSorted(), `${days} days`);
    }
    await transact(db, (tx) => moveStatus(tx, { id, from: ["pending"], to: "failed", nowMs: NOW_MS }));
    await sweep(NOW_MS + 20 * DAY_MS);
    assert.deepEqual(await left(), []);
  }));

Deno.test("a pack that was offered and not committed goes after a day", () =>
  onBed(async ({ db, seed, left, sweep, deleted }) => {
    const pack = newPack(seed);
    await createPacks(db.kysely, [pack]);
    await sweep(NOW_MS + DAY_MS);
    assert.deepEqual(await left(), [pack.id]);
    await sweep(NOW_MS + DAY_MS + 1);
    assert.deepEqual([await left(), deleted], [[], [pack.id]]);
  }));

Deno.test("a delete that fails is tried again, though its chunks are gone", () =>
  onBed(async (bed) => {
    const { db, seed, left, sweep, deleted } = bed;
    const { pack } = await seedPack(db, seed);
    bed.fail = 1;
    await sweep(NOW_MS + 8 * DAY_MS);
    assert.deepEqual([await left(), deleted], [[pack.id], []]);
    assert.deepEqual(await db.kysely.selectFrom("chunks").selectAll().execute(), []);
    await sweep(NOW_MS + 8 * DAY_MS);
    assert.deepEqual([await left(), deleted], [[], [pack.id]]);
  }));

/** A hundred deploys a minute leave more of them in a minute than one round removes. */
Deno.test("one sweep removes more contexts and packs than one round", () =>
  onBed(async ({ db, seed, left, sweep, deleted }) => {
    for (let n = 0; n < 120; n++) {
      const { pack } = await seedPack(db, seed, { usedAtMs: NOW_MS - 30 * DAY_MS });
      await seedContext(db, seed, [pack]);
    }
    await sweep(NOW_MS + 7 * DAY_MS + 1);
    assert.deepEqual([await left(), deleted.length], [[], 120]);
  }));
