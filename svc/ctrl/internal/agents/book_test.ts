import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../../../pkg/clock/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { NOW_MS, testOnCtrlDatabases } from "../store/testing.ts";
import { type AgentsTable, type CtrlDatabase, listAgents } from "../store/mod.ts";
import { AgentBook } from "./mod.ts";

const test = testOnCtrlDatabases();

/** A clock that stands still, and whose sleepers wake when the test says so, but for those of a moment. */
function stillClock(): Clock & { nowMs: number; wake(): void } {
  const sleepers = new Set<() => void>();
  const clock = {
    nowMs: NOW_MS,
    now: () => clock.nowMs,
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        if (ms < 1_000) return resolve();
        sleepers.add(resolve);
        signal?.addEventListener("abort", () => resolve(), { once: true });
      }),
    wake: () => {
      for (const resolve of sleepers) resolve();
      sleepers.clear();
    },
  };
  return clock;
}

async function rowsOf(db: CtrlDatabase, region: string): Promise<Partial<AgentsTable>[]> {
  const rows = await listAgents(db.kysely, { sinceMs: 0, region });
  return rows.map(({ agent_id, applied_version, last_seen_at, last_nack_error }) => ({
    agent_id,
    applied_version,
    last_seen_at: last_seen_at - NOW_MS,
    last_nack_error,
  }));
}

test("news is written before it is answered, and a sign of life with the next gathering", async (db) => {
  const region = newDnsName(10);
  const [agentId, other] = [`${region}-a`, `${region}-b`];
  const clock = stillClock();
  const book = new AgentBook({ db, clock, log: silentLogger() });
  const note = (appliedVersion: number, error?: string) =>
    book.note({
      agentId,
      region,
      progress: { appliedVersion, observedVersion: appliedVersion },
      ...(error === undefined ? {} : { nack: { resource: "d_1", error } }),
    });
  const row = { agent_id: agentId, applied_version: 1, last_seen_at: 0, last_nack_error: null };
  await note(1);
  assert.deepEqual(await rowsOf(db, region), [row]);
  clock.nowMs += 5;
  await note(1);
  assert.deepEqual(await rowsOf(db, region), [row], "nothing new");
  await Promise.all([note(2, "no such image"), book.note({ agentId: other, region })]);
  const second = { ...row, applied_version: 2, last_seen_at: 5, last_nack_error: "no such image" };
  const found = await rowsOf(db, region);
  assert.deepEqual(found, [second, {
    agent_id: other,
    applied_version: 0,
    last_seen_at: 5,
    last_nack_error: null,
  }]);
  clock.nowMs += 5;
  await note(2);
  clock.wake();
  await book.close();
  assert.deepEqual((await rowsOf(db, region))[0], { ...second, last_seen_at: 10 });
});

/** A NACK is told once; an ACK of something else right after it must not swallow it. */
test("a NACK that waits for its turn is not lost to the note that follows", async (db) => {
  const region = newDnsName(10);
  const agentId = `${region}-a`;
  const book = new AgentBook({ db, clock: stillClock(), log: silentLogger() });
  const progress = { appliedVersion: 3, observedVersion: 3 };
  await Promise.all([
    book.note({ agentId, region }),
    book.note({ agentId, region, progress, nack: { resource: "d_1", error: "refused" } }),
    book.note({ agentId, region, progress: { appliedVersion: 4, observedVersion: 4 } }),
  ]);
  await book.close();
  assert.deepEqual(await rowsOf(db, region), [
    { agent_id: agentId, applied_version: 4, last_seen_at: 0, last_nack_error: "refused" },
  ]);
});

test("a stream speaks for a client that does not, until it ends", async (db) => {
  const region = newDnsName(10);
  const clock = stillClock();
  const book = new AgentBook({ db, clock, log: silentLogger() });
  const attendance = book.attend({ agentId: `${region}:x`, region });
  attendance.delivered(7);
  clock.nowMs += 10;
  clock.wake();
  while ((await rowsOf(db, region))[0]?.applied_version !== 7) await systemClock().sleep(5);
  attendance.end();
  clock.nowMs += 10;
  clock.wake();
  await book.close();
  const row = { agent_id: `${region}:x`, applied_version: 7, last_seen_at: 10, last_nack_error: null };
  assert.deepEqual(await rowsOf(db, region), [row]);
});
