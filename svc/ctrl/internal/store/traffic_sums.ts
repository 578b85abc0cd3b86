/** Sums of traffic over longer intervals, and the removal of old rows. Each statement is bounded and goes by an index. */
import type { Queryable } from "./database.ts";
import {
  findFirstSumDue,
  intervalOf,
  listTraffic,
  type SumDue,
  type TrafficRow,
  type TrafficStep,
} from "./traffic.ts";

/** Rows of 10 s are read no further back, also where sums were not made for long. */
const SECONDS_MS_MAX = 3 * 3_600_000;

/** Sums that are to be made whose interval began before `beforeMs`, the earliest first. By primary key. */
export async function listSumsDue(
  db: Queryable,
  { stepSeconds, beforeMs, limit }: {
    readonly stepSeconds: TrafficStep;
    readonly beforeMs: number;
    readonly limit: number;
  },
): Promise<readonly SumDue[]> {
  const rows = await db.selectFrom("traffic_sums_due").selectAll().where("step_seconds", "=", stepSeconds)
    .where("started_at", "<", beforeMs).orderBy("started_at").limit(limit).execute();
  return rows.map(({ started_at, mark }) => ({ stepSeconds, startedAtMs: started_at, mark }));
}

/** Notes that a sum was made, unless a report came meanwhile. */
export async function endSumDue(
  db: Queryable,
  { stepSeconds, startedAtMs, mark }: SumDue,
): Promise<void> {
  await db.deleteFrom("traffic_sums_due").where("step_seconds", "=", stepSeconds)
    .where("started_at", "=", startedAtMs).where("mark", "=", mark).execute();
}

/** Up to `limit` deployments behind `after` that have rows in the longer interval. Index on step, interval and id. */
export async function listSummedDeployments(
  db: Queryable,
  { stepSeconds, sumStartedAtMs, after, limit }: {
    readonly stepSeconds: TrafficStep;
    readonly sumStartedAtMs: number;
    readonly after: string;
    readonly limit: number;
  },
): Promise<readonly string[]> {
  const rows = await db.selectFrom("deployment_traffic").select("deployment_id").distinct()
    .where("step_seconds", "=", stepSeconds).where("sum_started_at", "=", sumStartedAtMs)
    .where("deployment_id", ">", after).orderBy("deployment_id").limit(limit).execute();
  return rows.map(({ deployment_id }) => deployment_id);
}

/** The longer interval of the oldest rows from before `beforeMs`, from `fromMs` on; `undefined`: there are none. */
export async function findOldTraffic(
  db: Queryable,
  { stepSeconds, fromMs, beforeMs }: {
    readonly stepSeconds: TrafficStep;
    readonly fromMs: number;
    readonly beforeMs: number;
  },
): Promise<number | undefined> {
  const row = await db.selectFrom("deployment_traffic").select("sum_started_at")
    .where("step_seconds", "=", stepSeconds).where("sum_started_at", ">=", fromMs)
    .where("sum_started_at", "<", beforeMs).orderBy("sum_started_at").limit(1).executeTakeFirst();
  return row?.sum_started_at;
}

/** Removes the rows of deployments in a longer interval. Index on step, interval and id. */
export async function deleteTraffic(
  db: Queryable,
  { stepSeconds, sumStartedAtMs, deploymentIds }: {
    readonly stepSeconds: TrafficStep;
    readonly sumStartedAtMs: number;
    readonly deploymentIds: readonly string[];
  },
): Promise<void> {
  if (deploymentIds.length === 0) return;
  await db.deleteFrom("deployment_traffic").where("step_seconds", "=", stepSeconds)
    .where("sum_started_at", "=", sumStartedAtMs).where("deployment_id", "in", [...deploymentIds]).execute();
}

/**
 * The rows of deployments from `fromMs` until `untilMs`: the longest intervals that are not longer than `stepSeconds` and
 * whose sums are up to date, and shorter ones behind them.
 */
export async function readTraffic(
  db: Queryable,
  { deploymentIds, stepSeconds, fromMs, untilMs }: {
    readonly deploymentIds: readonly string[];
    readonly stepSeconds: number;
    readonly fromMs: number;
    readonly untilMs: number;
  },
): Promise<readonly TrafficRow[]> {
  const minuteDue = (await findFirstSumDue(db, 60))?.startedAtMs ?? Infinity;
  const hourDue = (await findFirstSumDue(db, 3_600))?.startedAtMs ?? Infinity;
  // The hour of a minute without a sum is not due before the minute has one.
  const sumsUntil = Math.min(hourDue, intervalOf(minuteDue, 3_600));
  const within = (ms: number): number => Math.min(untilMs, Math.max(fromMs, ms));
  const minutesFrom = stepSeconds < 3_600 ? fromMs : within(sumsUntil);
  const secondsFrom = stepSeconds < 60
    ? fromMs
    : Math.max(minutesFrom, within(minuteDue), untilMs - SECONDS_MS_MAX);
  const read = (step: TrafficStep, from: number, until: number) =>
    listTraffic(db, { deploymentIds, stepSeconds: step, fromMs: from, untilMs: until });
  return [
    ...await read(3_600, fromMs, minutesFrom),
    ...await read(60, minutesFrom, secondsFrom),
    ...await read(10, secondsFrom, untilMs),
  ];
}
