/** Reports of edges, their sums, and what is read of them, on every database. */
import assert from "node:assert/strict";
import { newDnsName, newId } from "../../../../pkg/uid/mod.ts";
import { type CtrlDatabase, readTraffic, recordTraffic, type TrafficStep } from "../../internal/store/mod.ts";
import { testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { requestsOf } from "../../internal/traffic/counts.ts";
import { sumOf } from "../../internal/traffic/sums.ts";
import { countsOf } from "../../internal/traffic/testing.ts";
import { worldClock } from "../testing.ts";
import { sumTraffic, TRAFFIC_KEPT_MS } from "./traffic_sums.ts";

const test = testOnCtrlDatabases();
const HOUR_MS = 3_600_000;
const STEPS: readonly TrafficStep[] = [10, 60, 3_600];

/** The database is shared by all tests: each has its own deployments, and a time of its own. */
class World {
  readonly id = newId("deployment", 0);
  nowMs: number;

  constructor(readonly db: CtrlDatabase, day: number) {
    this.nowMs = 1_000 * 24 * HOUR_MS + day * 200 * 24 * HOUR_MS;
  }

  report(
    startedAtMs: number,
    requests: number,
    { processId = "p", region = "eu", deploymentIds = [this.id] }: {
      readonly processId?: string;
      readonly region?: string;
      readonly deploymentIds?: readonly string[];
    } = {},
  ): Promise<void> {
    const deployments = deploymentIds.map((deploymentId) => ({ deploymentId, counts: countsOf(requests) }));
    return recordTraffic(this.db.kysely, {
      processId,
      region,
      startedAtMs,
      mark: newDnsName(12),
      deployments,
    });
  }

  sum(): Promise<void> {
    return sumTraffic({ db: this.db, clock: worldClock(this) }, new AbortController().signal);
  }

  async requests(stepSeconds: number, fromMs: number, deploymentId: string = this.id): Promise<number> {
    const rows = await readTraffic(this.db.kysely, {
      deploymentIds: [deploymentId],
      stepSeconds,
      fromMs: Math.floor(fromMs / (stepSeconds * 1_000)) * stepSeconds * 1_000,
      untilMs: this.nowMs + 60_000,
    });
    return requestsOf(sumOf(rows));
  }

  /** Rows of each length. */
  async stored(): Promise<readonly number[]> {
    return await Promise.all(STEPS.map(async (step) => {
      const rows = await this.db.kysely.selectFrom("deployment_traffic").select("started_at")
        .where("deployment_id", "=", this.id).where("step_seconds", "=", step).execute();
      return rows.length;
    }));
  }
}

test("each request is read once, whatever has been summed up, and however often a report comes", async (db) => {
  const world = new World(db, 1);
  // The hour ends soon.
  const beginMs = world.nowMs + 40 * 60_000;
  let sent = 0;
  for (let slot = 0; slot < 270; slot += 5) {
    const startedAtMs = beginMs + slot * 10_000;
    for (const [processId, region] of [["p", "eu"], ["q", "eu"], ["r", "us"]] as const) {
      // An answer that was lost: the edge sends the same again.
      for (let times = 0; times < 2; times++) {
        await world.report(startedAtMs, slot + 1, { processId, region });
      }
      sent += slot + 1;
    }
    world.nowMs = startedAtMs + 10_000;
    if (slot % 15 !== 0) continue;
    await world.sum();
    for (const step of [10, 60, 300, 3_600]) {
      assert.equal(await world.requests(step, beginMs), sent, `${step} s`);
    }
  }
  // Late, when minute and hour have their sums.
  world.nowMs += 10 * 60_000;
  await world.sum();
  const [, minutes] = await world.stored();
  await world.report(beginMs + 50_000, 1_000, { processId: "late" });
  await world.report(beginMs + 50_000, 1_000, { processId: "late" });
  for (const step of [10, 60, 3_600]) {
    assert.equal(await world.requests(step, beginMs), sent + 1_000, `${step} s, before the sum`);
  }
  await world.sum();
  await world.sum();
  for (const step of [10, 60, 3_600]) {
    assert.equal(await world.requests(step, beginMs), sent + 1_000, `${step} s`);
  }
  assert.deepEqual((await world.stored())[1], minutes, "sums took the place of former ones");
  const due = await db.kysely.selectFrom("traffic_sums_due").selectAll()
    .where("started_at", ">=", beginMs - HOUR_MS).where("started_at", "<", world.nowMs).execute();
  const runningHour = [3_600, beginMs + 20 * 60_000];
  assert.deepEqual(due.map((each) => [each.step_seconds, each.started_at]), [runningHour], "others are made");
});

test("a report between the reading and the end of a sum is in the next sum", async (db) => {
  const world = new World(db, 2);
  const beginMs = world.nowMs;
  await world.report(beginMs, 5);
  world.nowMs += 2 * HOUR_MS;
  let reports = 0;
  const kysely = db.kysely.withPlugin({
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      if (result.rows.some((row) => Object.hasOwn(row, "counts")) && reports++ === 0) {
        await world.report(beginMs + 10_000, 7);
      }
      return result;
    },
  });
  await sumTraffic({ db: { ...db, kysely }, clock: worldClock(world) }, new AbortController().signal);
  assert.ok(reports > 0);
  await world.sum();
  assert.equal(await world.requests(3_600, beginMs), 12);
  assert.equal(await world.requests(60, beginMs), 12);
});

test("rows leave when they are old, and not before they are summed up", async (db) => {
  const world = new World(db, 3);
  const beginMs = world.nowMs;
  const deploymentIds = [world.id, ...Array.from({ length: 230 }, () => newId("deployment", 0))];
  await world.report(beginMs, 4, { deploymentIds });
  const last = deploymentIds.at(-1) ?? "";
  for (
    const [afterMs, rows] of [
      [TRAFFIC_KEPT_MS[10], [1, 1, 1]],
      [TRAFFIC_KEPT_MS[10] + 60_001, [0, 1, 1]],
      [TRAFFIC_KEPT_MS[60] + HOUR_MS + 1, [0, 0, 1]],
    ] as const
  ) {
    world.nowMs = beginMs + afterMs;
    await world.sum();
    assert.deepEqual(await world.stored(), rows, `after ${afterMs} ms`);
    for (const id of [world.id, last]) assert.equal(await world.requests(3_600, beginMs, id), 4);
  }
  world.nowMs = beginMs + TRAFFIC_KEPT_MS[3_600] + HOUR_MS + 1;
  await world.sum();
  assert.deepEqual(await world.stored(), [0, 0, 0]);
});
