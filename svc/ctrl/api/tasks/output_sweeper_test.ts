import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import {
  appendLogLines,
  createTrace,
  type CtrlDatabase,
  findDeployment,
  findTrace,
  insertInstanceLogs,
  listEventsAfter,
  listSpans,
  moveStatus,
  placeDeployment,
  readLogTail,
  startStep,
  storeSpans,
  timeNsText,
} from "../../internal/store/mod.ts";
import {
  NOW_MS,
  type Seed,
  seedDeployment,
  seedProject,
  testOnCtrlDatabases,
} from "../../internal/store/testing.ts";
import { clock, eventually } from "../../services/testing.ts";
import { sweepOutput } from "./output_sweeper.ts";

const test = testOnCtrlDatabases();
const REGION = "output";
const LINES = 1_203;

/** A deployment that was built, printed, and came to its end at NOW_MS. */
async function printed(db: CtrlDatabase, seed: Seed, to: "ready" | "failed" | "stopped"): Promise<string> {
  const { id } = await seedDeployment(db, seed);
  await transact(db, async (tx) => {
    await startStep(tx, { deploymentId: id, name: "building", message: "Building.", nowMs: NOW_MS });
    const lines = Array.from({ length: 60 * 200 }, (_, n) => `built ${n}`);
    await appendLogLines(tx, id, { source: "build", origin: "RUN make", lines }, NOW_MS);
    const regions = [{ region: REGION, replicas: 1 }];
    if (to === "ready") {
      await placeDeployment(tx, { deploymentId: id, workspaceId: seed.workspaceId, regions, nowMs: NOW_MS });
    }
    await moveStatus(tx, {
      id,
      from: ["pending"],
      to,
      nowMs: NOW_MS,
      failure: { message: "It ended so.", details: { source: "build", origin: "RUN make", lines: ["no"] } },
    });
  });
  await insertInstanceLogs(
    db.kysely,
    id,
    Array.from({ length: LINES }, (_, n) => ({
      instance: "a",
      // Three in each moment.
      timeNs: timeNsText(BigInt(NOW_MS) * 1_000_000n + BigInt(Math.floor(n / 3))),
      ordinal: n,
      region: REGION,
      stream: "stdout" as const,
      text: `line ${n}`,
    })),
  );
  return id;
}

async function kept(db: CtrlDatabase, id: string) {
  const events = await listEventsAfter(db.kysely, id, 0, 1_000);
  const lines = (await Array.fromAsync(readLogTail(db, { deploymentId: id, lines: 10_000 }))).flat();
  return { kinds: [...new Set(events.map((each) => each.payload.kind))], lines: lines.length, events };
}

/** Sweeps as if it were so many days after everything ended, until all of `ids` have been dealt with. */
async function sweepAfter(db: CtrlDatabase, days: number, ...ids: readonly string[]): Promise<void> {
  const later = { ...clock, now: () => NOW_MS + days * 86_400_000 };
  const stop = new AbortController();
  const sweeps = sweepOutput({ db, clock: later, log: silentLogger(), keptDays: 30 }, stop.signal);
  try {
    for (const id of ids) {
      const removed = async () => (await findDeployment(db.kysely, id))?.output_removed_at !== null;
      await eventually("the removal", removed);
    }
  } finally {
    stop.abort();
    await sweeps;
  }
}

/** Nothing else ever deletes it: the database of a platform that deploys for years would only grow. */
test("output of deployments that are over goes after a time; steps, failures and what runs stay", async (db) => {
  const seed = await seedProject(db);
  const [failed, stopped] = [await printed(db, seed, "failed"), await printed(db, seed, "stopped")];
  const [running, live] = [await printed(db, seed, "ready"), await printed(db, seed, "stopped")];
  await db.kysely.updateTable("environments").set({ live_deployment_id: live })
    .where("id", "=", seed.productionId).execute();
  const { id: quiet } = await seedDeployment(db, seed);
  await db.kysely.updateTable("deployments").set({ status: "cancelled" }).where("id", "=", quiet).execute();
  const { id: active } = await seedDeployment(db, seed);

  await sweepAfter(db, 31, quiet, failed, stopped);
  for (const id of [failed, stopped]) {
    const { kinds, lines, events } = await kept(db, id);
    assert.deepEqual([kinds.toSorted(), lines], [["notice", "status", "step"], 0]);
    assert.deepEqual(
      events.map(({ payload }) => payload.kind),
      ["status", "step", "notice", "status"],
      "before the final status, where a watch ends",
    );
    const { payload } = events[2] ?? {};
    assert.ok(payload?.kind === "notice");
    assert.match(payload.message, /kept for 30 days/);
    const row = await findDeployment(db.kysely, id);
    assert.deepEqual([row?.error_message, row?.updated_at], ["It ended so.", NOW_MS]);
    assert.match(row?.failure_details ?? "", /RUN make/);
  }
  for (const id of [running, live]) {
    const { kinds, lines } = await kept(db, id);
    assert.deepEqual([kinds.includes("log"), lines], [true, LINES]);
  }
  assert.deepEqual((await kept(db, quiet)).kinds, ["status"], "no notice where there was no output");
  assert.equal((await findDeployment(db.kysely, active))?.output_removed_at, null);
});

test("the trace of a deployment that is over goes with its output, and no report brings it back", async (db) => {
  const seed = await seedProject(db);
  const [past, running] = [await printed(db, seed, "failed"), await printed(db, seed, "ready")];
  const spans = [{
    source: "api",
    key: "c",
    name: "create",
    startedAtMs: NOW_MS,
    endedAtMs: NOW_MS,
  }] as const;
  const trace = { trace_id: "a".repeat(32), parent_span_id: "", is_sampled: null, started_at: NOW_MS };
  for (const id of [past, running]) {
    await transact(db, async (tx) => {
      await createTrace(tx, { deployment_id: id, ...trace });
      await storeSpans(tx, id, spans);
    });
  }
  await sweepAfter(db, 31, past);
  await transact(db, (tx) => storeSpans(tx, past, spans));
  assert.equal(await findTrace(db.kysely, past), undefined);
  assert.deepEqual(await listSpans(db.kysely, past), []);
  assert.ok(await findTrace(db.kysely, running) !== undefined);
  assert.equal((await listSpans(db.kysely, running)).length, 1);
});

test("output stays until its time has come, and comes under the rule again after a start", async (db) => {
  const seed = await seedProject(db);
  const id = await printed(db, seed, "stopped");
  const { id: older } = await seedDeployment(db, seed);
  await db.kysely.updateTable("deployments").set({ status: "failed", updated_at: 1 }).where("id", "=", older)
    .execute();
  await sweepAfter(db, 29, older);
  assert.equal((await kept(db, id)).lines, LINES);

  await sweepAfter(db, 31, id);
  assert.equal((await kept(db, id)).lines, 0);
  const nowMs = NOW_MS + 40 * 86_400_000;
  await transact(db, (tx) => moveStatus(tx, { id, from: ["stopped"], to: "deploying", nowMs }));
  assert.equal((await findDeployment(db.kysely, id))?.output_removed_at, null);
});
