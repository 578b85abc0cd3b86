/** The planned times of a cron that are over, and what becomes of them. Pure. */
import type { Schedule } from "../../../../pkg/schedule/mod.ts";

/** A time that is over for longer is not made good. */
export const LATE_MS_MAX = 3_600_000;
/** Missed times are counted up to here. */
const MISSED_MAX = 1_000;

/** Several planned times in a row. */
export interface Missed {
  readonly firstAt: number;
  readonly lastAt: number;
  /** 1,000 for as many or more. */
  readonly times: number;
}

export interface DuePlan {
  /** The planned time to run for: the latest one, when it is not over for too long. */
  readonly runAt: number | undefined;
  /** The times before it. */
  readonly missed: Missed | undefined;
  /** The next planned time; `undefined`: there is none. */
  readonly nextAt: number | undefined;
}

/** Several times that are over, after a pause of the platform, make one run: the latest one, late. */
export function planDue(schedule: Schedule, plannedAt: number, nowMs: number): DuePlan {
  const latest = latestWithin(schedule, plannedAt, nowMs);
  const missed = missedBetween(schedule, plannedAt, latest ?? nowMs + 1);
  return { runAt: latest, missed, nextAt: schedule.next(nowMs) };
}

function latestWithin(schedule: Schedule, plannedAt: number, nowMs: number): number | undefined {
  const fromMs = nowMs - LATE_MS_MAX;
  let at = plannedAt >= fromMs ? plannedAt : schedule.next(fromMs - 1);
  let latest: number | undefined;
  while (at !== undefined && at <= nowMs) {
    latest = at;
    at = schedule.next(at);
  }
  return latest;
}

/** From `plannedAt` on, before `beforeMs`. */
function missedBetween(schedule: Schedule, plannedAt: number, beforeMs: number): Missed | undefined {
  let times = 0;
  let lastAt = plannedAt;
  for (let at: number | undefined = plannedAt; at !== undefined && at < beforeMs; at = schedule.next(at)) {
    lastAt = at;
    if (++times === MISSED_MAX) break;
  }
  return times === 0 ? undefined : { firstAt: plannedAt, lastAt, times };
}
