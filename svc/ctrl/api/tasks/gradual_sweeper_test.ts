import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { eventually } from "../../../../pkg/testkit/eventually.ts";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { insertGradualSwitch } from "../../internal/store/mod.ts";
import { NOW_MS } from "../../internal/store/testing.ts";
import { ROWS } from "../../internal/store/testing_rows.ts";
import { memoryDatabase } from "../../worker/testing.ts";
import { sweepGraduals } from "./gradual_sweeper.ts";

const DAY_MS = 24 * 3_600_000;

Deno.test("the sweeper watches gradual switches whose looks broke off, and removes those of 90 days ago", async () => {
  const db = await memoryDatabase();
  const rows = [
    ["broken", { looked_at: NOW_MS - 30_001 }],
    ["watched", { looked_at: NOW_MS - 30_000 }],
    ["ended", { looked_at: 0, running_in: null, ended_at: NOW_MS }],
    ["old", { looked_at: 0, running_in: null, ended_at: NOW_MS, created_at: NOW_MS - 90 * DAY_MS - 1 }],
  ] as const;
  await transact(db, async (tx) => {
    for (const [id, changes] of rows) {
      const base = { ...ROWS.gradual_switches, id, running_in: id, created_at: NOW_MS, ended_at: null };
      await insertGradualSwitch(tx, { ...base, ...changes });
    }
  });
  const watched: string[] = [];
  const workflows = { watchGradual: (id: string) => Promise.resolve(void watched.push(id)) };
  const stop = new AbortController();
  const manual = new ManualClock();
  const clock = { now: () => NOW_MS, sleep: (ms: number, signal?: AbortSignal) => manual.sleep(ms, signal) };
  const sweeps = sweepGraduals({ db, clock, log: silentLogger(), workflows }, stop.signal);
  const ids =
    async () => (await db.kysely.selectFrom("gradual_switches").select("id").orderBy("id").execute());
  await eventually("the removal", async () => (await ids()).length === 3);
  stop.abort();
  await sweeps;
  assert.deepEqual(watched, ["broken"]);
  assert.deepEqual((await ids()).map(({ id }) => id), ["broken", "ended", "watched"]);
  await db.close();
});
