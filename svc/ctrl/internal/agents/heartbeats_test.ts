import assert from "node:assert/strict";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { eventually } from "../../../../pkg/testkit/eventually.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { NOW_MS, testOnCtrlDatabases } from "../store/testing.ts";
import { type AgentsTable, type CtrlDatabase, listAgents } from "../store/mod.ts";
import { AgentHeartbeats } from "./mod.ts";

const test = testOnCtrlDatabases();

/** A clock that stands still. Sleeps under a second end at once, all others at `wake()`. */
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

test("AgentHeartbeats writes a new version before it answers, and a repeated heartbeat with the next batch", async (db) => {
  const region = newDnsName(10);
  const [agentId, other] = [`${region}-a`, `${region}-b`];
  const clock = stillClock();
  const heartbeats = new AgentHeartbeats({ db, clock, log: silentLogger() });
  const record = (appliedVersion: number, error?: string) =>
    heartbeats.record({
      agentId,
      region,
      progress: { appliedVersion, observedVersion: appliedVersion },
      ...(error === undefined ? {} : { nack: { resource: "d_1", error } }),
    });
  const row = { agent_id: agentId, applied_version: 1, last_seen_at: 0, last_nack_error: null };
  await record(1);
  assert.deepEqual(await rowsOf(db, region), [row]);
  clock.nowMs += 5;
  await record(1);
  assert.deepEqual(await rowsOf(db, region), [row], "nothing new");
  await Promise.all([record(2, "no such image"), heartbeats.record({ agentId: other, region })]);
  const second = { ...row, applied_version: 2, last_seen_at: 5, last_nack_error: "no such image" };
  const found = await rowsOf(db, region);
  assert.deepEqual(found, [second, {
    agent_id: other,
    applied_version: 0,
    last_seen_at: 5,
    last_nack_error: null,
  }]);
  clock.nowMs += 5;
  await record(2);
  clock.wake();
  await heartbeats.close();
  assert.deepEqual((await rowsOf(db, region))[0], { ...second, last_seen_at: 10 });
});

/** An agent sends a NACK once; the ACK of another change right after it must not replace it. */
test("AgentHeartbeats keeps a waiting NACK when another heartbeat of its agent follows", async (db) => {
  const region = newDnsName(10);
  const agentId = `${region}-a`;
  const heartbeats = new AgentHeartbeats({ db, clock: stillClock(), log: silentLogger() });
  const progress = { appliedVersion: 3, observedVersion: 3 };
  await Promise.all([
    heartbeats.record({ agentId, region }),
    heartbeats.record({ agentId, region, progress, nack: { resource: "d_1", error: "refused" } }),
    heartbeats.record({ agentId, region, progress: { appliedVersion: 4, observedVersion: 4 } }),
  ]);
  await heartbeats.close();
  assert.deepEqual(await rowsOf(db, region), [
    { agent_id: agentId, applied_version: 4, last_seen_at: 0, last_nack_error: "refused" },
  ]);
});

test("AgentHeartbeats sends heartbeats for a tracked stream until it ends", async (db) => {
  const region = newDnsName(10);
  const clock = stillClock();
  const heartbeats = new AgentHeartbeats({ db, clock, log: silentLogger() });
  const stream = heartbeats.trackStream({ agentId: `${region}:x`, region });
  stream.delivered(7);
  clock.nowMs += 10;
  clock.wake();
  const isWritten = async () => (await rowsOf(db, region))[0]?.applied_version === 7;
  await eventually("the version", isWritten, { everyMs: 5 });
  stream.end();
  clock.nowMs += 10;
  clock.wake();
  await heartbeats.close();
  const row = { agent_id: `${region}:x`, applied_version: 7, last_seen_at: 10, last_nack_error: null };
  assert.deepEqual(await rowsOf(db, region), [row]);
});
