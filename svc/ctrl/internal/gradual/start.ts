/** The first step of a gradual switch: its row, and the routes with the share, in the caller's transaction. */
import type { GradualOrder } from "../workflows/messages.ts";
import {
  announceLiveRoutes,
  appendEvent,
  type DeploymentsTable,
  type EnvironmentsTable,
  type GradualSwitchesTable,
  insertGradualSwitch,
  noteStops,
  recordAudit,
  type Tx,
} from "../store/mod.ts";
import { recordShare } from "./share.ts";

export interface GradualStart {
  readonly id: string;
  readonly order: GradualOrder;
  readonly environment: EnvironmentsTable;
  readonly target: DeploymentsTable;
  readonly nowMs: number;
  /** 0: nothing looks at it yet. */
  readonly lookedAtMs: number;
  /** Edges without a heartbeat since then route nothing any more. */
  readonly edgesSinceMs: number;
}

/** Gives the target its first share. The caller holds both rows, and knows that the live deployment has requests to share. */
export async function startGradual(tx: Tx, start: GradualStart): Promise<void> {
  const { id, order, target, nowMs, edgesSinceMs } = start;
  const { environmentId, actor } = order;
  const row = rowOf(start);
  await insertGradualSwitch(tx, row);
  await noteStops(tx, { keep: target.id, stops: [] });
  const message = startText(row, order);
  for (const deploymentId of [row.deployment_id, row.former_deployment_id]) {
    await appendEvent(tx, deploymentId, "notice", { message }, nowMs);
  }
  await recordAudit(tx, {
    workspaceId: row.workspace_id,
    actor,
    action: "gradual_switch.start",
    resource: { type: "deployment", id: target.id },
    projectId: row.project_id,
    environmentId,
    facts: {
      gradualSwitchId: id,
      former: row.former_deployment_id,
      steps: order.steps.map(String),
      sticky: order.sticky,
      ...(order.everyMs === undefined ? {} : { everyMs: order.everyMs }),
    },
    nowMs,
  });
  await announceLiveRoutes(tx, environmentId, nowMs);
  await recordShare(tx, row, { nowMs, edgesSinceMs });
}

function rowOf({ id, order, environment, target, nowMs, lookedAtMs }: GradualStart): GradualSwitchesTable {
  return {
    id,
    workspace_id: target.workspace_id,
    project_id: target.project_id,
    environment_id: environment.id,
    environment_slug: environment.slug,
    deployment_id: target.id,
    former_deployment_id: environment.live_deployment_id ?? "",
    running_in: environment.id,
    steps: JSON.stringify(order.steps),
    every_ms: order.everyMs ?? null,
    is_sticky: order.sticky ? 1 : 0,
    step: 0,
    step_started_at: nowMs,
    looks: 0,
    requests_seen: 0,
    looks_without_instance: 0,
    looked_at: lookedAtMs,
    evidence: null,
    state: "running",
    reason: null,
    actor: JSON.stringify(order.actor),
    created_at: nowMs,
    ended_at: null,
  };
}

function startText(row: GradualSwitchesTable, { steps, everyMs }: GradualOrder): string {
  const shares = [...steps, 100].map((percent) => `${percent} %`).join(", ");
  const pace = everyMs === undefined ? "each by hand" : `each after ${Math.round(everyMs / 1_000)} s`;
  return `A gradual switch from ${row.former_deployment_id} to ${row.deployment_id} has begun: ${shares} of the requests, ${pace}.`;
}
