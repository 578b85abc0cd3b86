import { isFault } from "../../../../pkg/fault/mod.ts";
import { parseSchedule } from "../../../../pkg/schedule/mod.ts";
import { decodeStrings } from "../json.ts";
import { reserve } from "../limits/mod.ts";
import { wantRun } from "../runs/mod.ts";
import {
  type CronsTable,
  type DueCron,
  findDeployment,
  lockCron,
  lockEnvironment,
  trimRunsOfCron,
  type Tx,
  updateCron,
} from "../store/mod.ts";
import { type DuePlan, planDue } from "./due.ts";
import { holdCrons } from "./hold.ts";
import { missedEntry, recordEntry, refusedEntry, skippedEntry } from "./entry.ts";
import { announceEnds, endOpenRuns, stillRunning } from "./overlap.ts";

/** The result of a look at a cron whose planned time is over. */
export interface Fired {
  /** `undefined`: there was no run to make. */
  readonly runId: string | undefined;
  /** The regions whose feeds have changed. */
  readonly regions: readonly string[];
}

/** Of each cron the newest entries are kept, for as long as all runs. */
const KEPT_PER_CRON = 200;
const TRIMMED_AT_ONCE = 20;
const NOTHING: Fired = { runId: undefined, regions: [] };

/**
 * Makes the run of a planned time, or records why there is none, and moves on to the next time: all in one transaction, so
 * that a time makes one run, and no crash takes it away. Another process that looks at the same time waits, and finds the next
 * time.
 */
export async function fireCron(tx: Tx, due: DueCron, nowMs: number): Promise<Fired> {
  // The order of locks of a create: workspace, environment, and what is below it.
  await reserve(tx, [], { workspaceId: due.workspace_id, nowMs });
  const environment = await lockEnvironment(tx, due.environment_id);
  const liveId = environment?.live_deployment_id ?? undefined;
  const deployment = liveId === undefined ? undefined : await findDeployment(tx, liveId);
  if (environment === undefined || deployment === undefined) return NOTHING;
  let cron = await lockCron(tx, due.environment_id, due.name);
  if (cron !== undefined && cron.deployment_id !== deployment.id) {
    // A worker of the former release has moved the traffic.
    await holdCrons(tx, environment, deployment, nowMs);
    cron = await lockCron(tx, due.environment_id, due.name);
  }
  const plannedAt = cron?.planned_at ?? undefined;
  if (cron === undefined || plannedAt === undefined || plannedAt > nowMs) return NOTHING;
  const schedule = parseSchedule(cron.schedule, cron.timezone);
  if (schedule.kind === "problem") {
    await updateCron(tx, cron, { planned_at: null, updated_at: nowMs });
    return NOTHING;
  }
  const plan = planDue(schedule, plannedAt, nowMs);
  const { lastRunId, ...fired } = await carryOut(tx, { cron, deployment, plan, nowMs });
  await updateCron(tx, cron, { planned_at: plan.nextAt ?? null, last_run_id: lastRunId, updated_at: nowMs });
  await trimRunsOfCron(tx, cron, { kept: KEPT_PER_CRON, limit: TRIMMED_AT_ONCE });
  return fired;
}

interface Occasion {
  readonly cron: CronsTable;
  readonly deployment: NonNullable<Awaited<ReturnType<typeof findDeployment>>>;
  readonly plan: DuePlan;
  readonly nowMs: number;
}

async function carryOut(
  tx: Tx,
  { cron, deployment, plan: { missed, runAt }, nowMs }: Occasion,
): Promise<Fired & { readonly lastRunId: string | null }> {
  // Before the entry of the same look, as histories are in the order of time.
  const lastRunId = missed === undefined
    ? cron.last_run_id
    : await recordEntry(tx, cron, missedEntry(missed), nowMs - 1);
  if (runAt === undefined) return { ...NOTHING, lastRunId };
  const open = await stillRunning(tx, cron);
  if (open !== undefined && cron.overlap === "skip") {
    return { ...NOTHING, lastRunId: await recordEntry(tx, cron, skippedEntry(open.run_id, runAt), nowMs) };
  }
  const ended = cron.overlap === "replace" ? await endOpenRuns(tx, cron, nowMs) : [];
  try {
    const { run, regions } = await wantRun(tx, {
      deployment,
      environmentSlug: cron.environment_slug,
      command: decodeStrings(cron.command),
      timeoutSeconds: cron.timeout_seconds,
      region: undefined,
      idempotencyKey: plannedKey(cron.id, runAt),
      cron: { id: cron.id, name: cron.name, plannedAt: runAt },
      createdBy: "",
      nowMs,
    });
    const others = await announceEnds(tx, ended, nowMs);
    return { runId: run.run_id, regions: [...regions, ...others], lastRunId: run.run_id };
  } catch (error) {
    if (!isFault(error, "failed_precondition") && !isFault(error, "rate_limited")) throw error;
    const regions = await announceEnds(tx, ended, nowMs);
    const entry = refusedEntry(error.publicMessage ?? error.message, runAt);
    return { runId: undefined, regions, lastRunId: await recordEntry(tx, cron, entry, nowMs) };
  }
}

/** Unlike any key of a user: those do not begin with a blank. */
function plannedKey(cronId: string, plannedAt: number): string {
  return ` ${cronId} ${plannedAt}`;
}
