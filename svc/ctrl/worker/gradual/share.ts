/** A step of a gradual switch in the receipts of switches. */
import { percentOf } from "../../internal/gradual/mod.ts";
import { type GradualSwitchesTable, recordSwitch, type Tx } from "../../internal/store/mod.ts";
import type { GradualDeps } from "./types.ts";

/** Records the share of the current step, at the end of the transaction that announces it. */
export async function recordShare(
  tx: Tx,
  { edgeTimeoutMs }: Pick<GradualDeps, "edgeTimeoutMs">,
  row: GradualSwitchesTable,
  nowMs: number,
): Promise<void> {
  await recordSwitch(tx, {
    workspaceId: row.workspace_id,
    projectId: row.project_id,
    environmentId: row.environment_id,
    environmentSlug: row.environment_slug,
    deploymentId: row.deployment_id,
    previousDeploymentId: row.former_deployment_id,
    cause: "gradual",
    gradual: { id: row.id, percent: percentOf(row) },
    nowMs,
    edgesSinceMs: nowMs - edgeTimeoutMs,
  });
}
