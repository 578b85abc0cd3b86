/** Deleting an environment: what stands against it, and taking back all that is there. */
import { lockRows } from "../../../../pkg/db/mod.ts";
import { ACTIVE_STATUSES, type DeploymentStatus } from "../deployments/status.ts";
import { appendChanges, EDGE_REGION } from "./changes.ts";
import type { Tx } from "./database.ts";
import { moveStatus } from "./deployment_status.ts";
import { countShown } from "./views/revisions.ts";
import { stopTopology } from "./topology.ts";

/** A deployment that does something. */
export interface BusyDeployment {
  readonly id: string;
  readonly status: DeploymentStatus;
}

/** How many environments a project has. */
export async function countEnvironments(tx: Tx, projectId: string): Promise<number> {
  const rows = await tx.selectFrom("environments").select("id")
    .where("project_id", "=", projectId).where("deleted_at", "=", 0).execute();
  return rows.length;
}

/** Deployments of the environment whose workflow is under way, oldest first. */
export async function listActiveDeployments(tx: Tx, environmentId: string): Promise<BusyDeployment[]> {
  return await tx.selectFrom("deployments").select(["id", "status"])
    .where("environment_id", "=", environmentId).where("status", "in", [...ACTIVE_STATUSES])
    .orderBy("created_at").execute();
}

/** Deployments of the environment that should run somewhere, oldest first. They are locked until the transaction ends. */
export async function lockStartedDeployments(tx: Tx, environmentId: string): Promise<BusyDeployment[]> {
  const query = tx.selectFrom("deployments").select(["id", "status"])
    .where("environment_id", "=", environmentId)
    .where((eb) =>
      eb.exists(
        eb.selectFrom("deployment_topology").select("deployment_topology.region")
          .whereRef("deployment_topology.deployment_id", "=", "deployments.id")
          .where("deployment_topology.desired_status", "=", "started"),
      )
    )
    .orderBy("created_at");
  return await lockRows(tx, query).execute();
}

/** Stops the deployments, and returns the regions whose feeds changed. */
export async function stopDeployments(
  tx: Tx,
  deployments: readonly BusyDeployment[],
  nowMs: number,
): Promise<readonly string[]> {
  const regions = new Set<string>();
  for (const { id } of deployments) {
    await moveStatus(tx, { id, from: ["ready"], to: "stopped", nowMs });
    for (const { region } of await stopTopology(tx, { deploymentId: id, nowMs })) regions.add(region);
  }
  return [...regions];
}

/**
 * Marks the environment as deleted, and removes its routes, its live pointer and its variables. Its deployments stay as
 * history. Returns the regions whose feeds changed.
 */
export async function deleteEnvironment(
  tx: Tx,
  { id, slug }: { readonly id: string; readonly slug: string },
  nowMs: number,
): Promise<readonly string[]> {
  await tx.updateTable("environments").set({
    slug: `${slug}:${id}`,
    live_deployment_id: null,
    is_rolled_back: 0,
    updated_at: nowMs,
    deleted_at: nowMs,
  }).where("id", "=", id).execute();
  await tx.deleteFrom("environment_variables").where("environment_id", "=", id).execute();
  const routes = await lockRows(
    tx,
    tx.selectFrom("frontline_routes").select(["id", "deployment_id"]).where("environment_id", "=", id)
      .orderBy("hostname"),
  ).execute();
  if (routes.length === 0) return [];
  await tx.deleteFrom("frontline_routes").where("environment_id", "=", id).execute();
  const changes = routes.map((row) => ({ resourceType: "route" as const, resourceId: row.id }));
  await appendChanges(tx, EDGE_REGION, changes, nowMs);
  await countShown(tx, routes.map((row) => row.deployment_id));
  return [EDGE_REGION];
}
