/** Placing a deployment whose number of instances may follow the load. */
import { decodeAppSettings, decodeAppSnapshot } from "../deployments/app/settings.ts";
import { bounded, decodeScaling, scalingOf } from "../scaling/mod.ts";
import type { Tx } from "./database.ts";
import { listScaled, type ScaledDeployment, scalePlacements } from "./scaling.ts";
import type { DeploymentsTable } from "./schema.ts";
import { followSleepTime } from "./sleeps.ts";
import type { WantedSentinel } from "./sentinels.ts";
import { type ChangedRegion, listTopology, placeDeployment } from "./topology.ts";

/**
 * Wants the deployment to run in these regions. A scaled deployment begins with as many instances as the live one of its
 * environment has there, within its bounds: it may be given the traffic of that one at once. It begins awake.
 */
export async function placeScaled(
  tx: Tx,
  { deployment, regions, sentinels, nowMs }: {
    readonly deployment: DeploymentsTable;
    readonly regions: readonly { readonly region: string; readonly replicas: number }[];
    readonly sentinels: readonly WantedSentinel[];
    readonly nowMs: number;
  },
): Promise<readonly ChangedRegion[]> {
  const { id: deploymentId, workspace_id: workspaceId } = deployment;
  await followSleepTime(tx, deployment);
  const place = { deploymentId, workspaceId, sentinels, nowMs };
  const { scaled, liveId } = await scalingFor(tx, deployment);
  const scaling = scalingOf(scaled?.settings);
  if (scaled === undefined || scaling === undefined) return await placeDeployment(tx, { ...place, regions });
  const live = liveId === undefined ? [] : await listTopology(tx, liveId);
  const sized = regions.map(({ region, replicas }) => {
    const now = live.find((row) => row.region === region && row.desired_status === "started");
    return { region, replicas: bounded(scaling, Math.max(replicas, now?.desired_replicas ?? 0)) };
  });
  await scalePlacements(tx, scaled, regions.map(({ region }) => region));
  return await placeDeployment(tx, { ...place, regions: sized });
}

/**
 * Gives a scaled deployment at least as many instances as the one has whose traffic it gets, within its bounds. The caller
 * holds its topology.
 */
export async function carryScale(
  tx: Tx,
  { fromId, to, nowMs }: {
    readonly fromId: string;
    readonly to: Pick<DeploymentsTable, "id" | "workspace_id">;
    readonly nowMs: number;
  },
): Promise<void> {
  const { id: deploymentId, workspace_id: workspaceId } = to;
  const scaled = await listScaled(tx, [deploymentId]);
  if (scaled.length === 0) return;
  const from = new Map((await listTopology(tx, fromId)).map((row) => [row.region, row]));
  const regions = (await listTopology(tx, deploymentId)).flatMap((row) => {
    const settings = scaled.find(({ region }) => region === row.region)?.settings;
    const scaling = settings === undefined ? undefined : scalingOf(decodeScaling(settings));
    const former = from.get(row.region);
    if (scaling === undefined || former?.desired_status !== "started") return [];
    const replicas = bounded(scaling, former.desired_replicas);
    return replicas > row.desired_replicas ? [{ region: row.region, replicas }] : [];
  });
  await placeDeployment(tx, { deploymentId, workspaceId, regions, nowMs });
}

/** Its own settings go before those that its environment has now. */
async function scalingFor(
  tx: Tx,
  { id: deploymentId, workspace_id: workspaceId, environment_id: environmentId, app_settings }:
    DeploymentsTable,
): Promise<{ readonly scaled: ScaledDeployment | undefined; readonly liveId: string | undefined }> {
  const environment = await tx.selectFrom("environments").select(["app_settings", "live_deployment_id"])
    .where("id", "=", environmentId).executeTakeFirst();
  const own = decodeAppSnapshot(app_settings)?.own.scaling;
  const settings = own ?? decodeAppSettings(environment?.app_settings ?? null).scaling;
  const liveId = environment?.live_deployment_id ?? undefined;
  if (settings === undefined) return { scaled: undefined, liveId };
  const isOwn = own !== undefined;
  return { scaled: { deploymentId, workspaceId, environmentId, settings, isOwn }, liveId };
}
