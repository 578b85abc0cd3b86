/** Build slots: running and waiting builds. Only the slot service writes them. */
import { lockRows, upsert } from "../../../../pkg/db/mod.ts";
import { mayBuild } from "../deployments/queue.ts";
import type { DeploymentStatus } from "../deployments/status.ts";
import type { Queryable, Tx } from "./database.ts";
import type { BuildSlotsTable } from "./schema.ts";

/** A row of the queue with columns of its deployment; the deployment's columns are null when it is gone. */
export interface BuildSlotView extends BuildSlotsTable {
  readonly status: DeploymentStatus | null;
  readonly cancel_requested_at: number | null;
  readonly project_slug: string | null;
  readonly environment_slug: string | null;
}

/** The queues of these workspaces, in no order. Index on `workspace_id`. */
export async function listBuildSlots(
  db: Queryable,
  workspaceIds: readonly string[],
): Promise<BuildSlotView[]> {
  if (workspaceIds.length === 0) return [];
  return await db.selectFrom("build_slots")
    .leftJoin("deployments", "deployments.id", "build_slots.deployment_id")
    .leftJoin("projects", "projects.id", "deployments.project_id")
    .leftJoin("environments", "environments.id", "deployments.environment_id")
    .selectAll("build_slots")
    .select([
      "deployments.status",
      "deployments.cancel_requested_at",
      "projects.slug as project_slug",
      "environments.slug as environment_slug",
    ])
    .where("build_slots.workspace_id", "in", [...workspaceIds]).execute();
}

/** Writes these rows of the queue, new ones or as they are now. */
export async function saveBuildSlots(tx: Tx, rows: readonly BuildSlotsTable[]): Promise<void> {
  await upsert(tx, "build_slots", rows, {
    key: ["deployment_id"],
    update: ["state", "enqueued_at", "turn_at", "lease_until", "ticket", "reported_ahead"],
  });
}

/** Takes these deployments out of the workspace's queue. */
export async function deleteBuildSlots(
  tx: Tx,
  workspaceId: string,
  deploymentIds: readonly string[],
): Promise<void> {
  if (deploymentIds.length === 0) return;
  await tx.deleteFrom("build_slots").where("workspace_id", "=", workspaceId)
    .where("deployment_id", "in", [...deploymentIds]).execute();
}

/** True when the deployment holds a slot whose lease has not ended. */
export async function holdsBuildSlot(tx: Tx, deploymentId: string, nowMs: number): Promise<boolean> {
  const row = await lockRows(
    tx,
    tx.selectFrom("build_slots").select("lease_until").where("deployment_id", "=", deploymentId)
      .where("state", "=", "holding"),
  ).executeTakeFirst();
  return (row?.lease_until ?? 0) > nowMs;
}

/** True when the deployment of the row still builds, or wants to. */
export function countsInQueue({ state, status, cancel_requested_at }: BuildSlotView): boolean {
  // A build that is being cancelled runs until its builder has stopped.
  return mayBuild(status ?? undefined) && (state === "holding" || cancel_requested_at === null);
}
