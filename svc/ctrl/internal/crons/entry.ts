/** Planned times without a run, in the history of a cron. */
import { newDnsName, newId } from "../../../../pkg/uid/mod.ts";
import { decodeStrings } from "../json.ts";
import {
  addPlannedTimes,
  type CronsTable,
  findNewestRunOfCron,
  recordPlannedTimes,
  type Tx,
} from "../store/mod.ts";
import type { Missed } from "./due.ts";

export interface Entry {
  /** As a code. */
  readonly reason: "missed" | "skipped" | "refused";
  /** The same for a person. */
  readonly message: string;
  /** The last planned time. */
  readonly plannedAt: number;
  readonly times: number;
}

export function missedEntry({ lastAt, times }: Missed): Entry {
  const message =
    "The control plane did not work at the planned time, and it was too late when it came back.";
  return { reason: "missed", message, plannedAt: lastAt, times };
}

export function skippedEntry(openRunId: string, plannedAt: number): Entry {
  return { reason: "skipped", message: `Its run ${openRunId} had not ended.`, plannedAt, times: 1 };
}

export function refusedEntry(message: string, plannedAt: number): Entry {
  return { reason: "refused", message, plannedAt, times: 1 };
}

const NAME_RANDOM = 16;

/** Records an entry and returns its id. Times that have no run for the same reason, one after the other, are one entry. */
export async function recordEntry(
  tx: Tx,
  cron: CronsTable,
  { reason, message, plannedAt, times }: Entry,
  nowMs: number,
): Promise<string> {
  const newest = await findNewestRunOfCron(tx, cron);
  if (newest?.reason === reason && newest.message === message) {
    await addPlannedTimes(tx, newest, { plannedAt, times, nowMs });
    return newest.run_id;
  }
  const runId = newId("run", nowMs);
  await recordPlannedTimes(tx, {
    run_id: runId,
    deployment_id: cron.deployment_id,
    name: `cron-${newDnsName(NAME_RANDOM)}`,
    workspace_id: cron.workspace_id,
    project_id: cron.project_id,
    environment_id: cron.environment_id,
    environment_slug: cron.environment_slug,
    idempotency_key: null,
    timeout_seconds: cron.timeout_seconds,
    command: decodeStrings(cron.command),
    reason,
    message,
    cronId: cron.id,
    cronName: cron.name,
    plannedAt,
    times,
    nowMs,
  });
  return runId;
}
