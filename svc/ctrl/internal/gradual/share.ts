/** A step of a gradual switch in the receipts of switches. */
import { type GradualSwitchesTable, recordSwitch, type Tx } from "../store/mod.ts";
import { percentOf } from "./state.ts";

/** Records the share of the current step, at the end of the transaction that announces it. */
export async function recordShare(
  tx: Tx,
  row: GradualSwitchesTable,
  { nowMs, edgesSinceMs }: { readonly nowMs: number; readonly edgesSinceMs: number },
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
    edgesSinceMs,
  });
}
