import {
  announcePlacement,
  clearDeadline,
  endRun,
  isFinalTask,
  lockRun,
  lockTopology,
  type RunEnd,
  type StoredRun,
  type Tx,
} from "../store/mod.ts";

/**
 * Ends a run that has not ended: its agent stops it, or never starts it. Returns the regions whose feeds have changed; none when
 * it had ended before.
 */
export async function cancelRun(
  tx: Tx,
  run: StoredRun,
  end: { readonly nowMs: number },
): Promise<readonly string[]> {
  const message =
    "It was cancelled. A process that runs gets its stop signal, and is killed after its time to stop.";
  return await stop(tx, run, { ...end, reason: "cancelled", message });
}

/** The same for a run that nothing was heard of until its deadline. */
export async function giveUpRun(
  tx: Tx,
  run: StoredRun,
  { nowMs }: { readonly nowMs: number },
): Promise<readonly string[]> {
  // The same order of locks as in a report.
  await lockTopology(tx, run.deployment_id);
  const now = await lockRun(tx, run);
  if (now === undefined || now.deadline_at === null || now.deadline_at > nowMs) return [];
  if (isFinalTask(now.state)) {
    await clearDeadline(tx, run);
    return await announcePlacement(tx, placeOf(run, nowMs));
  }
  return await stop(tx, now, { nowMs, ...(now.started_at === null ? NOT_STARTED : LOST) });
}

const NOT_STARTED = {
  reason: "not_started",
  message: 'No agent of its region has started it in time, and none will: "unkey status" shows the regions.',
} as const;

const LOST = {
  reason: "lost",
  message: "It began, and nothing was heard of its end. It is not run again: look at what it has changed.",
} as const;

async function stop(tx: Tx, run: StoredRun, end: RunEnd): Promise<readonly string[]> {
  await lockTopology(tx, run.deployment_id);
  if (!await endRun(tx, run, end)) return [];
  return await announcePlacement(tx, placeOf(run, end.nowMs));
}

function placeOf({ deployment_id, region }: StoredRun, nowMs: number) {
  return { deploymentId: deployment_id, regions: [region], nowMs };
}
