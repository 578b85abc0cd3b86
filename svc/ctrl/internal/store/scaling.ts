/** Placements whose number of instances follows the load. Each is scaled while it is started. */
import { upsert } from "../../../../pkg/db/mod.ts";
import { encodeScaling, type ScalingSettings } from "../scaling/mod.ts";
import { appendChanges, EDGE_REGION } from "./changes.ts";
import type { Queryable, Tx } from "./database.ts";
import { recordInstanceEvents } from "./instance_events.ts";
import type { ScaledPlacementsTable } from "./schema.ts";
import { announcePlacement, lockTopology, placeDeployment } from "./topology.ts";
import { bumpViewRevision } from "./views/revisions.ts";

/** Settings of a deployment's placements. */
export interface ScaledDeployment {
  readonly deploymentId: string;
  readonly workspaceId: string;
  readonly environmentId: string;
  readonly settings: ScalingSettings;
  /** The deployment's own, not its environment's. */
  readonly isOwn: boolean;
}

const KEY = ["deployment_id", "region"] as const;

/** Lets the number of instances in these regions follow the load. The last change of a number stays known. */
export async function scalePlacements(
  tx: Tx,
  { deploymentId, workspaceId, environmentId, settings, isOwn }: ScaledDeployment,
  regions: readonly string[],
): Promise<void> {
  const rows = regions.map((region): ScaledPlacementsTable => ({
    deployment_id: deploymentId,
    region,
    workspace_id: workspaceId,
    environment_id: environmentId,
    settings: encodeScaling(settings),
    is_own: isOwn ? 1 : 0,
    changed_at: null,
    changed_from: null,
    reason: null,
  }));
  await upsert(tx, "scaled_placements", rows, { key: KEY, update: ["settings", "is_own"] });
  await bumpViewRevision(tx, [deploymentId]);
}

/**
 * Gives the running deployments of an environment its settings, or takes them away, but for those that have their own.
 * Returns the regions whose feeds changed: agents and edges report the load only of those that are scaled.
 */
export async function scaleEnvironment(
  tx: Tx,
  { environmentId, settings, nowMs }: {
    readonly environmentId: string;
    readonly settings: ScalingSettings | undefined;
    readonly nowMs: number;
  },
): Promise<readonly string[]> {
  const placed = await tx.selectFrom("deployment_topology as t")
    .innerJoin("deployments as d", "d.id", "t.deployment_id")
    .leftJoin(
      "scaled_placements as s",
      (join) => join.onRef("s.deployment_id", "=", "t.deployment_id").onRef("s.region", "=", "t.region"),
    )
    .select(["d.id", "d.workspace_id", "t.region", "s.is_own"])
    .where("d.environment_id", "=", environmentId).where("t.desired_status", "=", "started")
    .orderBy("d.id").orderBy("t.region").execute();
  const changed = new Set<string>();
  for (const [deploymentId, rows] of Map.groupBy(placed.filter((row) => row.is_own !== 1), ({ id }) => id)) {
    const [{ workspace_id: workspaceId } = { workspace_id: "" }] = rows;
    const regions = rows.map(({ region }) => region);
    await lockTopology(tx, deploymentId);
    if (settings === undefined) await unscalePlacements(tx, deploymentId, regions);
    else {
      await scalePlacements(
        tx,
        { deploymentId, workspaceId, environmentId, settings, isOwn: false },
        regions,
      );
    }
    await appendChanges(tx, EDGE_REGION, [{ resourceType: "endpoints", resourceId: deploymentId }], nowMs);
    changed.add(EDGE_REGION);
    for (const region of await announcePlacement(tx, { deploymentId, regions, nowMs })) changed.add(region);
  }
  return [...changed];
}

/** Leaves the number of instances in these regions as it is from now on. */
async function unscalePlacements(tx: Tx, deploymentId: string, regions: readonly string[]): Promise<void> {
  await tx.deleteFrom("scaled_placements").where("deployment_id", "=", deploymentId)
    .where("region", "in", [...regions]).execute();
  await bumpViewRevision(tx, [deploymentId]);
}

/** The scaled placements of these deployments. By primary key. */
export async function listScaled(
  db: Queryable,
  deploymentIds: readonly string[],
): Promise<readonly ScaledPlacementsTable[]> {
  if (deploymentIds.length === 0) return [];
  return await db.selectFrom("scaled_placements").selectAll()
    .where("deployment_id", "in", [...deploymentIds]).execute();
}

/** A scaled placement of a deployment that serves. */
export interface ScaledPlacement {
  readonly deploymentId: string;
  readonly region: string;
  readonly workspaceId: string;
  readonly settings: string;
  readonly replicas: number;
  readonly cpuMillicores: number;
}

/** Scaled placements of ready deployments after `after`, in the order of their keys. By primary key. */
export async function pageScaledPlacements(
  db: Queryable,
  { after, limit }: {
    readonly after: Pick<ScaledPlacement, "deploymentId" | "region">;
    readonly limit: number;
  },
): Promise<readonly ScaledPlacement[]> {
  return await db.selectFrom("scaled_placements as s")
    .innerJoin(
      "deployment_topology as t",
      (join) =>
        join.onRef("t.deployment_id", "=", "s.deployment_id").onRef("t.region", "=", "s.region")
          .onRef("t.workspace_id", "=", "s.workspace_id"),
    )
    .innerJoin(
      "deployments as d",
      (join) => join.onRef("d.id", "=", "s.deployment_id").onRef("d.workspace_id", "=", "s.workspace_id"),
    )
    .select([
      "s.deployment_id as deploymentId",
      "s.region as region",
      "s.workspace_id as workspaceId",
      "s.settings as settings",
      "t.desired_replicas as replicas",
      "d.cpu_millicores as cpuMillicores",
    ])
    .where((eb) =>
      eb.or([
        eb("s.deployment_id", ">", after.deploymentId),
        eb.and([eb("s.deployment_id", "=", after.deploymentId), eb("s.region", ">", after.region)]),
      ])
    )
    .where("t.desired_status", "=", "started").where("d.status", "=", "ready")
    .orderBy("s.deployment_id").orderBy("s.region").limit(limit).execute();
}

/** A change of a number of instances. */
export interface ScaleChange {
  readonly deploymentId: string;
  readonly workspaceId: string;
  readonly region: string;
  readonly from: number;
  readonly to: number;
  /** The settings that it follows from. */
  readonly settings: string;
  /** `up` or `down` */
  readonly direction: string;
  readonly reason: string;
  readonly nowMs: number;
}

/**
 * Changes the number of instances with its reason, its event and the change for the agent. False: the number, the settings or the
 * placement are no longer those that the change follows from.
 */
export async function changeScale(tx: Tx, change: ScaleChange): Promise<boolean> {
  const { deploymentId, workspaceId, region, from, to, reason, direction, nowMs } = change;
  const placement = (await lockTopology(tx, deploymentId)).find((row) => row.region === region);
  if (placement?.desired_status !== "started" || placement.desired_replicas !== from) return false;
  const scaled = (await listScaled(tx, [deploymentId])).find((row) => row.region === region);
  if (scaled?.settings !== change.settings) return false;
  await tx.updateTable("scaled_placements").set({ changed_at: nowMs, changed_from: from, reason })
    .where("deployment_id", "=", deploymentId).where("region", "=", region).execute();
  await recordInstanceEvents(tx, { deploymentId, region }, [{
    kind: "scaled",
    reason: `scaled_${direction}`,
    message: `From ${from} to ${to} instances.`,
    instance: "",
    exitCode: null,
    atMs: nowMs,
    times: 1,
  }]);
  await placeDeployment(tx, { deploymentId, workspaceId, regions: [{ region, replicas: to }], nowMs });
  return true;
}
