/** Further steps of a gradual switch, and its ends, each in one transaction. */
import { endGradual, percentOf, recordShare, stepsOf } from "../../internal/gradual/mod.ts";
import {
  announceLiveRoutes,
  appendEvent,
  type AuditActor,
  type GradualSwitchesTable,
  lockEnvironment,
  lockGradualSwitch,
  recordAudit,
  setGradualStep,
  type Tx,
} from "../../internal/store/mod.ts";
import type { EndOrder, GradualDeps, Running } from "./types.ts";

/** Goes on to the next step. False: it was done before, or the switch has ended. */
export async function advanceInTransaction(
  tx: Tx,
  deps: GradualDeps,
  { running, actor, nowMs }: {
    readonly running: Running;
    readonly actor: AuditActor;
    readonly nowMs: number;
  },
): Promise<boolean> {
  const row = await lockRunning(tx, running);
  if (row === undefined || row.step !== running.step) return false;
  const next = { ...row, step: row.step + 1, step_started_at: nowMs };
  await setGradualStep(tx, { id: row.id, step: next.step, nowMs });
  const percent = percentOf(next);
  const message = `The gradual switch goes on: ${row.deployment_id} gets ${percent} % of the requests.`;
  await appendEvent(tx, row.deployment_id, "notice", { message }, nowMs);
  await recordAudit(tx, {
    workspaceId: row.workspace_id,
    actor,
    action: "gradual_switch.step",
    resource: { type: "deployment", id: row.deployment_id },
    projectId: row.project_id,
    environmentId: row.environment_id,
    facts: { gradualSwitchId: row.id, percent, step: next.step + 1, steps: stepsOf(row).length + 1 },
    nowMs,
  });
  await announceLiveRoutes(tx, row.environment_id, nowMs);
  await recordShare(tx, next, { nowMs, edgesSinceMs: nowMs - deps.edgeTimeoutMs });
  return true;
}

/** Ends it. False: it has ended before. */
export async function endInTransaction(
  tx: Tx,
  deps: GradualDeps,
  { id, environmentId, end, nowMs }: {
    readonly id: string;
    readonly environmentId: string;
    readonly end: EndOrder;
    readonly nowMs: number;
  },
): Promise<boolean> {
  const row = await lockRunning(tx, { id, environmentId });
  if (row === undefined) return false;
  await endGradual(tx, row, { ...end, nowMs, edgesSinceMs: nowMs - deps.edgeTimeoutMs });
  return true;
}

/** Ends what another switch has ended without a word, or what a refusal of the last step ends. */
export async function settleInTransaction(
  tx: Tx,
  deps: GradualDeps,
  { id, environmentId, refusal, nowMs }: {
    readonly id: string;
    readonly environmentId: string;
    readonly refusal: string | undefined;
    readonly nowMs: number;
  },
): Promise<boolean> {
  const environment = await lockEnvironment(tx, environmentId);
  const row = await lockGradualSwitch(tx, id);
  if (row === undefined || row.ended_at !== null) return false;
  const live = environment?.live_deployment_id ?? undefined;
  const rest = {
    actor: { kind: "system", name: "gradual switch" } as const,
    nowMs,
    edgesSinceMs: nowMs - deps.edgeTimeoutMs,
  };
  if (live === row.deployment_id) {
    await endGradual(tx, row, { ...rest, state: "completed", reason: "It serves all requests." });
  } else if (live !== row.former_deployment_id) {
    const reason = live === undefined ? "Its environment was deleted." : `${live} serves all requests.`;
    await endGradual(tx, row, { ...rest, state: "replaced", reason });
  } else if (refusal !== undefined) {
    await endGradual(tx, row, { ...rest, state: "aborted", reason: `Its last step was refused: ${refusal}` });
  } else return false;
  return true;
}

/** Locks the environment first, as every transaction that moves traffic does. */
async function lockRunning(
  tx: Tx,
  { id, environmentId }: Pick<Running, "id" | "environmentId">,
): Promise<GradualSwitchesTable | undefined> {
  await lockEnvironment(tx, environmentId);
  const row = await lockGradualSwitch(tx, id);
  return row?.ended_at === null ? row : undefined;
}
