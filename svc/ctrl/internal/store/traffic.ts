/**
 * The requests of deployments: edges report intervals of 10 s, which are summed up to minutes and hours. A row of 10 s belongs
 * to one edge process, so that a report that comes twice finds its rows.
 */
import { insertIgnore, upsert } from "../../../../pkg/db/mod.ts";
import { decodeCounts, encodeCounts, type TrafficCounts } from "../traffic/counts.ts";
import type { Queryable } from "./database.ts";
import type { DeploymentTrafficTable } from "./schema_traffic.ts";

/** The lengths of intervals, in seconds; each is summed up to the next one. */
export const TRAFFIC_STEPS = [10, 60, 3_600] as const;
export type TrafficStep = typeof TRAFFIC_STEPS[number];

/** The requests of a deployment in an interval. */
export interface TrafficRow {
  readonly deploymentId: string;
  readonly stepSeconds: TrafficStep;
  readonly startedAtMs: number;
  readonly region: string;
  readonly counts: TrafficCounts;
}

/** A report of an edge process about one interval of 10 s. */
export interface TrafficReport {
  readonly processId: string;
  readonly region: string;
  readonly startedAtMs: number;
  /** Another one for each report. */
  readonly mark: string;
  readonly deployments: readonly { readonly deploymentId: string; readonly counts: TrafficCounts }[];
}

const KEY = ["deployment_id", "step_seconds", "started_at", "region", "process_id"] as const;

/** The next longer interval; the longest is its own. */
export function summedTo(step: TrafficStep): TrafficStep {
  return step === 10 ? 60 : 3_600;
}

/** The beginning of the interval of `step` seconds that `ms` is in. */
export function intervalOf(ms: number, step: number): number {
  return Math.floor(ms / (step * 1_000)) * step * 1_000;
}

/**
 * Stores a report, in as many statements for one deployment as for some hundreds. The rows come first: after a crash in
 * between the edge sends the report again. What is there already stays.
 */
export async function recordTraffic(db: Queryable, report: TrafficReport): Promise<void> {
  const { startedAtMs, region, processId, mark } = report;
  // In one order, so that no two statements wait for each other.
  const rows = report.deployments.toSorted((a, b) => a.deploymentId < b.deploymentId ? -1 : 1)
    .map(({ deploymentId, counts }) =>
      rowOf({ deploymentId, stepSeconds: 10, startedAtMs, region, counts }, processId)
    );
  if (rows.length === 0) return;
  await insertIgnore(db, "deployment_traffic", rows, KEY);
  await markSumDue(db, { stepSeconds: 60, startedAtMs: intervalOf(startedAtMs, 60), mark });
}

/** Stores sums, in the place of former ones. */
export async function storeTrafficSums(db: Queryable, sums: readonly TrafficRow[]): Promise<void> {
  const rows = sums.map((each) => rowOf(each, ""));
  await upsert(db, "deployment_traffic", rows, { key: KEY, update: ["counts"] });
}

function rowOf(
  { deploymentId, stepSeconds, startedAtMs, region, counts }: TrafficRow,
  processId: string,
): DeploymentTrafficTable {
  return {
    deployment_id: deploymentId,
    step_seconds: stepSeconds,
    started_at: startedAtMs,
    region,
    process_id: processId,
    sum_started_at: intervalOf(startedAtMs, summedTo(stepSeconds)),
    counts: encodeCounts(counts),
  };
}

/** A sum that is to be made. */
export interface SumDue {
  readonly stepSeconds: TrafficStep;
  readonly startedAtMs: number;
  readonly mark: string;
}

/** Notes that a sum is to be made, again if it was made before. */
export async function markSumDue(db: Queryable, { stepSeconds, startedAtMs, mark }: SumDue): Promise<void> {
  const row = { step_seconds: stepSeconds, started_at: startedAtMs, mark };
  await upsert(db, "traffic_sums_due", [row], { key: ["step_seconds", "started_at"], update: ["mark"] });
}

/** The first interval of `stepSeconds` whose sum is to be made; `undefined`: none. By primary key. */
export async function findFirstSumDue(
  db: Queryable,
  stepSeconds: TrafficStep,
): Promise<SumDue | undefined> {
  const row = await db.selectFrom("traffic_sums_due").selectAll().where("step_seconds", "=", stepSeconds)
    .orderBy("started_at").limit(1).executeTakeFirst();
  return row && { stepSeconds, startedAtMs: row.started_at, mark: row.mark };
}

/** The rows of deployments that begin in a range, in the order of their beginnings. By primary key. */
export async function listTraffic(
  db: Queryable,
  { deploymentIds, stepSeconds, fromMs, untilMs }: {
    readonly deploymentIds: readonly string[];
    readonly stepSeconds: TrafficStep;
    readonly fromMs: number;
    readonly untilMs: number;
  },
): Promise<readonly TrafficRow[]> {
  if (deploymentIds.length === 0 || fromMs >= untilMs) return [];
  const rows = await db.selectFrom("deployment_traffic")
    .select(["deployment_id", "started_at", "region", "counts"])
    .where("deployment_id", "in", [...deploymentIds]).where("step_seconds", "=", stepSeconds)
    .where("started_at", ">=", fromMs).where("started_at", "<", untilMs)
    .orderBy("started_at").execute();
  return rows.map(({ deployment_id, started_at, region, counts }) => ({
    deploymentId: deployment_id,
    stepSeconds,
    startedAtMs: started_at,
    region,
    counts: decodeCounts(counts),
  }));
}
