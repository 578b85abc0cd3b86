import { poll } from "../../../../pkg/async/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { type Meter, NO_METER } from "../../../../pkg/metrics/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import {
  type CtrlDatabase,
  deleteTraffic,
  endSumDue,
  findOldTraffic,
  intervalOf,
  listSummedDeployments,
  listSumsDue,
  listTraffic,
  markSumDue,
  storeTrafficSums,
  type SumDue,
  summedTo,
  type TrafficRow,
  type TrafficStep,
} from "../../internal/store/mod.ts";
import { sumOf } from "../../internal/traffic/sums.ts";

export interface TrafficSumsDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
}

const EVERY_MS = 10_000;
/** Edges report an interval when it is over. */
const REPORTS_MS = 5_000;
const SUMS_AT_ONCE_MAX = 120;
/** Each has up to six rows of an edge process in a minute, and sixty of a region in an hour. */
const DEPLOYMENTS_PER_SUM = 200;
const DEPLOYMENTS_PER_DELETE = 100;
const DELETES_PER_ROUND = 200;
const MARK_LENGTH = 12;

const HOUR_MS = 3_600_000;
/** The time for which the rows of each length are kept. */
export const TRAFFIC_KEPT_MS: Readonly<Record<TrafficStep, number>> = {
  10: 2 * HOUR_MS,
  60: 48 * HOUR_MS,
  3_600: 90 * 24 * HOUR_MS,
};

/**
 * Sums up traffic to minutes and hours, and removes what is old, until `signal` aborts. Every worker may do it: a sum that is
 * made twice is the same. What has not been summed up is not removed, since the same loop does both, in this order.
 */
export async function keepTrafficSums(deps: TrafficSumsDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, meter = NO_METER } = deps;
  await poll(() => meter(() => sumTraffic(deps, signal)), {
    clock,
    signal,
    everyMs: EVERY_MS,
    onError: (error, failures) =>
      log.warn("traffic not summed up", { error: describeError(error), failures }),
  });
}

/** One round: minutes, then hours, then what is old. */
export async function sumTraffic(
  deps: Pick<TrafficSumsDeps, "db" | "clock">,
  signal: AbortSignal,
): Promise<void> {
  const { db, clock } = deps;
  for (const step of [60, 3_600] as const) {
    const beforeMs = clock.now() - REPORTS_MS - step * 1_000;
    const due = await listSumsDue(db.kysely, { stepSeconds: step, beforeMs, limit: SUMS_AT_ONCE_MAX });
    for (const each of due) await makeSum(db, each, signal);
    // What is old may not have been summed up.
    if (due.length === SUMS_AT_ONCE_MAX) return;
  }
  for (const step of [10, 60, 3_600] as const) {
    await removeOld(db, { step, beforeMs: clock.now() - TRAFFIC_KEPT_MS[step], signal });
  }
}

/** Sums up one interval, in pages of deployments. After a crash it is made again, from its beginning. */
async function makeSum(db: CtrlDatabase, due: SumDue, signal: AbortSignal): Promise<void> {
  const { stepSeconds, startedAtMs } = due;
  const of: TrafficStep = stepSeconds === 60 ? 10 : 60;
  const untilMs = startedAtMs + stepSeconds * 1_000;
  for (let after: string | undefined = ""; after !== undefined;) {
    signal.throwIfAborted();
    const page: { readonly after: string; readonly limit: number } = { after, limit: DEPLOYMENTS_PER_SUM };
    const look = { stepSeconds: of, sumStartedAtMs: startedAtMs, ...page };
    const deploymentIds = await listSummedDeployments(db.kysely, look);
    const parts = await listTraffic(db.kysely, {
      deploymentIds,
      stepSeconds: of,
      fromMs: startedAtMs,
      untilMs,
    });
    await storeTrafficSums(db.kysely, sumsOf(parts, due));
    after = deploymentIds.length < page.limit ? undefined : deploymentIds.at(-1);
  }
  if (summedTo(stepSeconds) !== stepSeconds) {
    const next = summedTo(stepSeconds);
    const mark = newDnsName(MARK_LENGTH);
    await markSumDue(db.kysely, { stepSeconds: next, startedAtMs: intervalOf(startedAtMs, next), mark });
  }
  await endSumDue(db.kysely, due);
}

function sumsOf(parts: readonly TrafficRow[], { stepSeconds, startedAtMs }: SumDue): readonly TrafficRow[] {
  const groups = Map.groupBy(parts, ({ deploymentId, region }) => `${deploymentId} ${region}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { deploymentId, region } = first;
    return [{ deploymentId, stepSeconds, startedAtMs, region, counts: sumOf(group) }];
  });
}

/** Removes rows in small statements; the rest waits for the next round. */
async function removeOld(
  db: CtrlDatabase,
  { step, beforeMs, signal }: {
    readonly step: TrafficStep;
    readonly beforeMs: number;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  let fromMs = 0;
  for (let deletes = 0; deletes < DELETES_PER_ROUND; deletes++) {
    signal.throwIfAborted();
    const sumStartedAtMs = await findOldTraffic(db.kysely, { stepSeconds: step, fromMs, beforeMs });
    if (sumStartedAtMs === undefined) return;
    const look = { stepSeconds: step, sumStartedAtMs, after: "", limit: DEPLOYMENTS_PER_DELETE };
    const deploymentIds = await listSummedDeployments(db.kysely, look);
    await deleteTraffic(db.kysely, { stepSeconds: step, sumStartedAtMs, deploymentIds });
    fromMs = sumStartedAtMs;
  }
}
