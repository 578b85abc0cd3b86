/** Wanting a deployment to run in its regions, with the settings that its image and its environment give it. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { dockerfileNotices } from "../../../../pkg/build/explain/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import type { ImageConfig } from "../../../../pkg/registry/mod.ts";
import { imageNotices } from "../../internal/deployments/app/notices.ts";
import { portOf } from "../../internal/deployments/app/resolve.ts";
import { type AppSettings, decodeAppSnapshot, settingsOf } from "../../internal/deployments/app/settings.ts";
import { domainsOf } from "../../internal/deployments/domains.ts";
import {
  appendEvent,
  createTask,
  type DeploymentsTable,
  ensureWorkspaceNamespace,
  findBuildInputs,
  findDeployment,
  findEnvironmentPointer,
  findSlugs,
  lockDeployment,
  moveStatus,
  placeScaled,
  retellStep,
  setPlacementFacts,
  startStep,
  type Tx,
  type WantedSentinel,
} from "../../internal/store/mod.ts";
import type { Failure } from "../rollout/plan.ts";
import { releaseText, startText } from "../rollout/release.ts";
import { releaseOf } from "./release_step.ts";
import type { Placed } from "./types.ts";

export interface PlaceDeps {
  readonly clock: Clock;
  /** All regions of the platform. */
  readonly regions: readonly string[];
  /** Per region, of apps that set none. */
  readonly replicas: number;
  /** The domain below which host names are. */
  readonly apex: string;
}

/** The facts that are read outside of the transaction. */
export interface PlaceCall {
  readonly id: string;
  readonly image: ImageConfig | undefined;
  readonly sentinels: readonly WantedSentinel[];
  /** Regions that have an agent. */
  readonly liveRegions: ReadonlySet<string>;
}

const NAMESPACE_LENGTH = 8;

/** Status, step, notices and placement in one transaction; a repetition finds the status and writes nothing. */
export async function placeInTransaction(
  tx: Tx,
  deps: PlaceDeps,
  { id, image, liveRegions, sentinels }: PlaceCall,
): Promise<Placed> {
  const nowMs = deps.clock.now();
  const row = await lockDeployment(tx, id);
  if (row === undefined) return { kind: "ended", status: "missing" };
  const snapshot = decodeAppSnapshot(row.app_settings);
  const app = snapshot === undefined ? undefined : settingsOf(snapshot);
  const regions = app?.regions ?? deps.regions;
  const unknown = regions.find((each) => !deps.regions.includes(each));
  if (unknown !== undefined) return { kind: "failed", failure: regionUnknown(unknown, deps.regions) };

  const move = { id, to: "deploying", from: ["pending", "queued", "building"], nowMs } as const;
  if (!await moveStatus(tx, move)) {
    return row.status === "deploying" ? { kind: "advanced" } : { kind: "ended", status: row.status };
  }
  const candidate = newDnsName(NAMESPACE_LENGTH);
  await ensureWorkspaceNamespace(tx, { id: row.workspace_id, candidate, nowMs });
  await startStep(tx, { deploymentId: id, name: "deploying", message: startText(regions), nowMs });
  const release = releaseOf(app, regions, liveRegions);
  if (release !== undefined) {
    await createTask(tx, { ...release, deployment_id: id, workspace_id: row.workspace_id, nowMs });
    await retellStep(tx, { deploymentId: id, name: "deploying", message: releaseText(release), nowMs });
  }
  for (const message of await noticesOf(tx, row, { app, image })) {
    await appendEvent(tx, id, "notice", { message }, nowMs);
  }
  await setPlacementFacts(tx, {
    id,
    checkHost: await checkHost(tx, deps, row),
    imageConfig: image === undefined ? row.image_config : JSON.stringify(image),
    port: app === undefined ? row.port : portOf(app, image),
  });
  await placeScaled(tx, {
    deployment: row,
    regions: regions.map((region) => ({ region, replicas: row.replicas || deps.replicas })),
    sentinels,
    nowMs,
  });
  return { kind: "advanced" };
}

/** Instructions that mean less here than on a machine of one's own. For a redeploy they were reported before. */
async function noticesOf(
  tx: Tx,
  row: DeploymentsTable,
  { app, image }: { readonly app: AppSettings | undefined; readonly image: ImageConfig | undefined },
): Promise<readonly string[]> {
  if (row.redeploy_of !== null) return [];
  if (app !== undefined && image !== undefined) {
    return imageNotices(app, image, await livePort(tx, row.environment_id));
  }
  const inputs = await findBuildInputs(tx, row.id);
  if (inputs?.dockerfile === undefined) return [];
  return dockerfileNotices(new TextDecoder().decode(inputs.dockerfile), {
    healthCheckPath: row.health_check_path,
    target: inputs.settings.target,
  });
}

/** A deployment of an older version, or of another image, may listen on another port than this one. */
async function livePort(tx: Tx, environmentId: string): Promise<number | undefined> {
  const { liveDeploymentId } = await findEnvironmentPointer(tx, environmentId) ?? {};
  return liveDeploymentId === undefined ? undefined : (await findDeployment(tx, liveDeploymentId))?.port;
}

/** The name that visitors use: apps with a list of hosts refuse any other one. */
async function checkHost(tx: Tx, { apex }: PlaceDeps, row: DeploymentsTable): Promise<string | null> {
  const slugs = await findSlugs(tx, row.id);
  if (slugs === undefined) return null;
  const { id: deploymentId, git_commit_sha: commitSha, git_branch: branch } = row;
  const domains = domainsOf({ ...slugs, apex, deploymentId, commitSha, branch });
  const name = domains.find(({ sticky }) => sticky === "live") ??
    domains.find(({ sticky }) => sticky === "environment");
  return name?.hostname ?? null;
}

function regionUnknown(region: string, regions: readonly string[]): Failure {
  return {
    code: "no_region",
    message:
      `The app is to run in the region "${region}", which this platform does not have. Its regions are ` +
      `${
        regions.join(", ")
      }. Change "regions" in unkey.json, or: unkey environments set <environment> --regions ` +
      `${regions[0] ?? ""}. Then deploy again.`,
  };
}
