/** Placements of deployments in regions. Every change of one is a change of the region's feed, in the same transaction. */
import type { SelectQueryBuilder } from "kysely";
import { lockRows, upsert } from "../../../../pkg/db/mod.ts";
import type { StopNote } from "../deployments/stop_note.ts";
import type { Queryable, Tx } from "./database.ts";
import { appendChanges, lockRegion } from "./changes.ts";
import { moveStatus } from "./deployment_status.ts";
import { type BusyDeployment, findEnvironmentOfDeployment } from "./deployments.ts";
import { forgetInstances } from "./instances.ts";
import { endRunsOf } from "./runs.ts";
import type { DeploymentTopologyTable, Schema } from "./schema.ts";
import { bumpViewRevision } from "./views/revisions.ts";
import { archiveIdleSentinel, ensureSentinel, type WantedSentinel } from "./sentinels.ts";

/** A region and the version that its feed got. */
export interface ChangedRegion {
  readonly region: string;
  readonly version: number;
}

/**
 * Wants the deployment to run in these regions, and returns the regions where this changed its placement.
 *
 * Repeating it changes nothing. A region that was wanted before and is not named keeps running: stop it by name.
 */
export async function placeDeployment(
  tx: Tx,
  placement: {
    readonly deploymentId: string;
    readonly workspaceId: string;
    readonly regions: readonly { readonly region: string; readonly replicas: number }[];
    /** The environment's sentinels, where it has some; each is made or changed with the placement in its region. */
    readonly sentinels?: readonly WantedSentinel[];
    readonly nowMs: number;
  },
): Promise<ChangedRegion[]> {
  const { deploymentId, sentinels = [], nowMs } = placement;
  const known = new Map((await listTopology(tx, deploymentId)).map((row) => [row.region, row]));
  const changed: ChangedRegion[] = [];
  for (const { region, replicas } of sortedByRegion(placement.regions)) {
    const row = known.get(region);
    if (row?.desired_status !== "started" || row.desired_replicas !== replicas) {
      const version = await appendDeploymentChange(tx, region, deploymentId, nowMs);
      await start(tx, { deploymentId, region, workspaceId: placement.workspaceId, replicas, version, nowMs });
      changed.push({ region, version });
    }
    const sentinel = sentinels.find((each) => each.region === region);
    if (sentinel === undefined) continue;
    await lockRegion(tx, region);
    await ensureSentinel(tx, sentinel, nowMs);
  }
  if (changed.length > 0) await bumpViewRevision(tx, [deploymentId]);
  return changed;
}

async function start(
  tx: Tx,
  placed: {
    readonly deploymentId: string;
    readonly region: string;
    readonly workspaceId: string;
    readonly replicas: number;
    readonly version: number;
    readonly nowMs: number;
  },
): Promise<void> {
  await upsert(tx, "deployment_topology", [{
    deployment_id: placed.deploymentId,
    region: placed.region,
    workspace_id: placed.workspaceId,
    desired_replicas: placed.replicas,
    desired_status: "started",
    version: placed.version,
    reported_generation: 0,
    created_at: placed.nowMs,
    updated_at: placed.nowMs,
  }], {
    key: ["deployment_id", "region"],
    update: ["desired_replicas", "desired_status", "version", "updated_at"],
  });
}

/**
 * Wants the deployment to run nowhere, or not in `regions`, and returns the regions where this changed its placement. The last of an
 * environment takes the environment's sentinel along.
 *
 * The reported instances are deleted with it: an agent that is away, or whose machine was lost, may never report them as
 * gone, and their addresses will belong to others. A later start of the deployment waits for a new report.
 */
export async function stopTopology(
  tx: Tx,
  options: { readonly deploymentId: string; readonly regions?: readonly string[]; readonly nowMs: number },
): Promise<ChangedRegion[]> {
  const { deploymentId, regions, nowMs } = options;
  const started = (await lockTopology(tx, deploymentId)).filter((row) => row.desired_status === "started");
  const running = started.filter((row) => regions?.includes(row.region) ?? true);
  if (running.length === 0) return [];
  const places = { deploymentId, regions: running.map((row) => row.region), nowMs };
  await forgetInstances(tx, places);
  const message = "Its deployment was stopped before the command had ended.";
  await endRunsOf(tx, { ...places, reason: "deployment_stopped", message });
  const changed: ChangedRegion[] = [];
  const environmentId = await findEnvironmentOfDeployment(tx, deploymentId);
  for (const { region } of sortedByRegion(running)) {
    const version = await appendDeploymentChange(tx, region, deploymentId, nowMs);
    await tx.updateTable("deployment_topology")
      .set({ desired_status: "stopped", version, updated_at: nowMs })
      .where("deployment_id", "=", deploymentId).where("region", "=", region).execute();
    await archiveIdleSentinel(tx, { environmentId, region, nowMs });
    changed.push({ region, version });
  }
  await tx.deleteFrom("scaled_placements").where("deployment_id", "=", deploymentId)
    .where("region", "in", places.regions).execute();
  if (running.length === started.length) {
    await tx.deleteFrom("deployment_sleeps").where("deployment_id", "=", deploymentId).execute();
  }
  if (changed.length > 0) await bumpViewRevision(tx, [deploymentId]);
  return changed;
}

/**
 * Tells the agents of all its regions, or of `wanted`, about the deployment again, after a change beside its placement, and
 * returns the regions. Those where it is stopped have nothing to do.
 */
export async function announcePlacement(
  tx: Tx,
  { deploymentId, regions: wanted, nowMs }: {
    readonly deploymentId: string;
    readonly regions?: readonly string[];
    readonly nowMs: number;
  },
): Promise<readonly string[]> {
  const running = (await lockTopology(tx, deploymentId))
    .filter((row) => row.desired_status === "started" && (wanted?.includes(row.region) ?? true));
  const regions = sortedByRegion(running).map((row) => row.region);
  for (const region of regions) {
    const version = await appendDeploymentChange(tx, region, deploymentId, nowMs);
    await tx.updateTable("deployment_topology").set({ version, updated_at: nowMs })
      .where("deployment_id", "=", deploymentId).where("region", "=", region).execute();
  }
  return regions;
}

/** All placements of the deployment, also stopped ones, by primary key. */
export async function listTopology(db: Queryable, deploymentId: string): Promise<DeploymentTopologyTable[]> {
  return await selectTopology(db, deploymentId).execute();
}

/**
 * The same, and other transactions that place, stop or report it wait until the transaction ends. A report takes this lock before
 * that of the edges' region, so every other transaction does, or two of them could wait for each other.
 */
export async function lockTopology(tx: Tx, deploymentId: string): Promise<DeploymentTopologyTable[]> {
  return await lockRows(tx, selectTopology(tx, deploymentId)).execute();
}

function selectTopology(
  db: Queryable,
  deploymentId: string,
): SelectQueryBuilder<Schema, "deployment_topology", DeploymentTopologyTable> {
  return db.selectFrom("deployment_topology").selectAll()
    .where("deployment_id", "=", deploymentId).orderBy("region");
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

/** Stops the deployments at the time of the note, and returns the regions whose feeds changed. */
export async function stopDeployments(
  tx: Tx,
  deployments: readonly BusyDeployment[],
  stop: StopNote,
): Promise<readonly string[]> {
  const regions = new Set<string>();
  const { atMs: nowMs } = stop;
  for (const { id } of deployments) {
    await moveStatus(tx, { id, from: ["ready"], to: "stopped", stop, nowMs });
    for (const { region } of await stopTopology(tx, { deploymentId: id, nowMs })) regions.add(region);
  }
  return [...regions];
}
