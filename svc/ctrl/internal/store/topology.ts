/** Where deployments should run. Every change of it is a change of the region's feed, in the same transaction. */
import { upsert } from "../../../../pkg/db/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import { appendChanges } from "./changes.ts";
import type { DeploymentTopologyTable } from "./schema.ts";

/** A region and the version that its feed got. */
export interface ChangedRegion {
  readonly region: string;
  readonly version: number;
}

/**
 * Wants the deployment to run in these regions, and returns those where that is news.
 *
 * Repeating it changes nothing. A region that was wanted before and is not named keeps running: stop it by name.
 */
export async function placeDeployment(
  tx: Tx,
  placement: {
    readonly deploymentId: string;
    readonly workspaceId: string;
    readonly regions: readonly { readonly region: string; readonly replicas: number }[];
    readonly nowMs: number;
  },
): Promise<ChangedRegion[]> {
  const { deploymentId, nowMs } = placement;
  const known = new Map((await listTopology(tx, deploymentId)).map((row) => [row.region, row]));
  const changed: ChangedRegion[] = [];
  for (const { region, replicas } of sortedByRegion(placement.regions)) {
    const row = known.get(region);
    if (row?.desired_status === "started" && row.desired_replicas === replicas) continue;
    const version = await appendDeploymentChange(tx, region, deploymentId, nowMs);
    await upsert(tx, "deployment_topology", [{
      deployment_id: deploymentId,
      region,
      workspace_id: placement.workspaceId,
      desired_replicas: replicas,
      desired_status: "started",
      version,
      reported_generation: 0,
      created_at: nowMs,
      updated_at: nowMs,
    }], {
      key: ["deployment_id", "region"],
      update: ["desired_replicas", "desired_status", "version", "updated_at"],
    });
    changed.push({ region, version });
  }
  return changed;
}

/** Wants the deployment to run nowhere, or not in `regions`, and returns the regions where that is news. */
export async function stopTopology(
  tx: Tx,
  options: { readonly deploymentId: string; readonly regions?: readonly string[]; readonly nowMs: number },
): Promise<ChangedRegion[]> {
  const { deploymentId, regions, nowMs } = options;
  const running = (await listTopology(tx, deploymentId))
    .filter((row) => row.desired_status === "started" && (regions?.includes(row.region) ?? true));
  const changed: ChangedRegion[] = [];
  for (const { region } of sortedByRegion(running)) {
    const version = await appendDeploymentChange(tx, region, deploymentId, nowMs);
    await tx.updateTable("deployment_topology")
      .set({ desired_status: "stopped", version, updated_at: nowMs })
      .where("deployment_id", "=", deploymentId).where("region", "=", region).execute();
    changed.push({ region, version });
  }
  return changed;
}

/** Where the deployment should run or should not any more, by primary key. */
export async function listTopology(db: Queryable, deploymentId: string): Promise<DeploymentTopologyTable[]> {
  return await db.selectFrom("deployment_topology").selectAll()
    .where("deployment_id", "=", deploymentId).orderBy("region").execute();
}

async function appendDeploymentChange(
  tx: Tx,
  region: string,
  deploymentId: string,
  nowMs: number,
): Promise<number> {
  const [version = 0] = await appendChanges(tx, region, [
    { resourceType: "deployment", resourceId: deploymentId },
  ], nowMs);
  return version;
}

/** All transactions lock regions in this order, so no two wait for each other. */
function sortedByRegion<T extends { readonly region: string }>(rows: readonly T[]): T[] {
  return rows.toSorted((a, b) => a.region < b.region ? -1 : a.region > b.region ? 1 : 0);
}
