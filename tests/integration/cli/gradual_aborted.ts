import { transact } from "../../../pkg/db/mod.ts";
import { insertGradualSwitch } from "../../../svc/ctrl/internal/store/mod.ts";
import type { World } from "./world.ts";

/** Gradual switches that begin are aborted already. */
export function gradualAborted({ bed: { api, tenant } }: World): void {
  api.workflows.onGradual = (id, order) =>
    transact(api.db, (tx) =>
      insertGradualSwitch(tx, {
        id,
        workspace_id: tenant.workspaceId,
        project_id: tenant.projectId,
        environment_id: order.environmentId,
        environment_slug: "production",
        deployment_id: order.targetDeploymentId,
        former_deployment_id: "d_former",
        running_in: null,
        steps: JSON.stringify(order.steps),
        every_ms: null,
        is_sticky: 0,
        step: 0,
        step_started_at: 1,
        looks: 1,
        requests_seen: 0,
        looks_without_instance: 0,
        looked_at: 1,
        evidence: null,
        state: "aborted",
        reason: "5.0 % of 812 requests failed.",
        actor: JSON.stringify(order.actor),
        created_at: 1,
        ended_at: 2,
      }));
}
