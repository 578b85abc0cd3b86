import assert from "node:assert/strict";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { listWorkers, recordWorker } from "../../internal/store/mod.ts";
import { keepHeartbeat } from "./heartbeat.ts";

const test = testOnCtrlDatabases();
const DAY_MS = 24 * 3_600_000;

test("a worker is there with its last heartbeat while it runs, and is gone when it has stopped", async (db) => {
  const [id, lost] = [`wrk_${crypto.randomUUID()}`, `wrk_${crypto.randomUUID()}`];
  const startedAtMs = 10 * DAY_MS;
  let nowMs = startedAtMs;
  await recordWorker(db.kysely, { id: lost, started_at: 0, last_seen_at: nowMs - DAY_MS - 1 });
  const own = async () =>
    (await listWorkers(db.kysely, { sinceMs: 0, limit: 100 })).filter((each) => [id, lost].includes(each.id));
  const seen: unknown[] = [];
  const stop = new AbortController();
  const clock = {
    now: () => nowMs,
    sleep: async (ms: number) => {
      seen.push(...await own());
      nowMs += ms;
      if (seen.length === 2) stop.abort();
    },
  };
  await keepHeartbeat({ db, clock, log: silentLogger(), id }, stop.signal);
  assert.deepEqual(seen, [
    { id, started_at: startedAtMs, last_seen_at: startedAtMs },
    { id, started_at: startedAtMs, last_seen_at: startedAtMs + 10_000 },
  ]);
  assert.deepEqual(await own(), []);
});
