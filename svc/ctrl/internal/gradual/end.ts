/** The end of a gradual switch, in the transaction that moves the traffic. The caller holds the environment's row. */
import {
  announceLiveRoutes,
  appendEvent,
  type AuditActor,
  endGradualRow,
  findRunningGradual,
  type GradualState,
  type GradualSwitchesTable,
  recordAudit,
  recordSwitch,
  type Tx,
} from "../store/mod.ts";
import { percentOf } from "./state.ts";

export interface GradualEnd {
  readonly state: Exclude<GradualState, "running">;
  /** For people; a sentence. */
  readonly reason: string;
  readonly actor: AuditActor;
  readonly nowMs: number;
  /** Edges without a heartbeat since then route nothing any more. */
  readonly edgesSinceMs: number;
}

/** Ends a running gradual switch. Unless another switch moves them, all requests go to the live deployment again. */
export async function endGradual(tx: Tx, row: GradualSwitchesTable, end: GradualEnd): Promise<void> {
  const { state, reason, actor, nowMs, edgesSinceMs } = end;
  await endGradualRow(tx, { id: row.id, state, reason, nowMs });
  const message = `${endText(row, state)} ${reason}`;
  for (const id of [row.deployment_id, row.former_deployment_id]) {
    await appendEvent(tx, id, "notice", { message }, nowMs);
  }
  const goesBack = state === "aborted" || state === "cancelled";
  await recordAudit(tx, {
    workspaceId: row.workspace_id,
    actor,
    action: goesBack ? "gradual_switch.abort" : "gradual_switch.end",
    resource: { type: "deployment", id: row.deployment_id },
    projectId: row.project_id,
    environmentId: row.environment_id,
    facts: {
      gradualSwitchId: row.id,
      state,
      reason,
      percent: percentOf(row),
      former: row.former_deployment_id,
    },
    nowMs,
  });
  await announceLiveRoutes(tx, row.environment_id, nowMs);
  if (!goesBack) return;
  await recordSwitch(tx, {
    workspaceId: row.workspace_id,
    projectId: row.project_id,
    environmentId: row.environment_id,
    environmentSlug: row.environment_slug,
    deploymentId: row.former_deployment_id,
    previousDeploymentId: row.deployment_id,
    cause: "abort",
    gradual: { id: row.id },
    nowMs,
    edgesSinceMs,
  });
}

function endText(row: GradualSwitchesTable, state: GradualEnd["state"]): string {
  const { deployment_id: id, former_deployment_id: former } = row;
  switch (state) {
    case "completed":
      return `The gradual switch to ${id} is complete.`;
    case "aborted":
      return `The gradual switch to ${id} was aborted at ${
        percentOf(row)
      } %: ${former} serves all requests again.`;
    case "cancelled":
      return `The gradual switch to ${id} was ended at ${
        percentOf(row)
      } %: ${former} serves all requests again.`;
    case "replaced":
      return `The gradual switch to ${id} was replaced at ${percentOf(row)} %.`;
  }
}

/** Ends the gradual switch of an environment whose traffic another switch moves; returns its id. */
export async function endGradualOf(
  tx: Tx,
  environmentId: string,
  move: Omit<GradualEnd, "state" | "reason"> & { readonly targetId: string; readonly isStep: boolean },
): Promise<string | undefined> {
  const row = await findRunningGradual(tx, environmentId);
  if (row === undefined) return undefined;
  const { targetId, isStep, ...rest } = move;
  const isTarget = row.deployment_id === targetId;
  await endGradual(tx, row, {
    ...rest,
    state: isTarget ? "completed" : "replaced",
    reason: isTarget
      ? isStep ? "It serves all requests." : "It was promoted at once, and serves all requests."
      : `${targetId} serves all requests.`,
  });
  return isTarget ? row.id : undefined;
}
