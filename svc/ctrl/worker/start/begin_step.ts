/** Wanting a stopped deployment to run again. */
import { goneRefusal, switchPath } from "../../internal/deployments/gates.ts";
import {
  announceRoutes,
  claimStart,
  clearCancel,
  type DeploymentsTable,
  EDGE_REGION,
  lockDeployment,
  lockEnvironment,
  lockTopology,
  markStartCold,
  moveStatus,
  placeScaled,
  releaseStart,
  startStep,
  type Tx,
  wake,
  type WantedSentinel,
} from "../../internal/store/mod.ts";
import type { Begun, StartCall, StartDeps } from "./types.ts";

/** A start, with the sentinels of its environment in each region of the deployment. */
export interface BeginCall extends StartCall {
  readonly sentinels: readonly WantedSentinel[];
}

/** Placement, status, step and the change for the edges in one transaction; also returns the regions whose feeds changed. */
export async function beginInTransaction(
  tx: Tx,
  deps: StartDeps,
  { startId, order, sentinels, nowMs }: BeginCall,
): Promise<{ readonly begun: Begun; readonly regions: readonly string[] }> {
  const { deploymentId, environmentId } = order;
  const environment = await lockEnvironment(tx, environmentId);
  const deployment = await lockDeployment(tx, deploymentId);
  if (deployment === undefined) return { begun: { kind: "ended", status: "missing" }, regions: [] };
  if (environment === undefined) return { begun: { kind: "refused", refusal: goneRefusal() }, regions: [] };
  const { known, claimed } = await claimStart(tx, { deploymentId, startId, nowMs });
  if (!claimed) return { begun: { kind: "busy", startId: known }, regions: [] };
  // An earlier run of this very step committed and was not recorded.
  if (known === startId && deployment.status === "deploying") {
    return { begun: { kind: "begun" }, regions: [] };
  }
  const path = switchPath({ ...gated(deployment), runningInstances: 0 });
  if (typeof path !== "string") {
    await releaseStart(tx, deploymentId, startId);
    return { begun: { kind: "refused", refusal: path }, regions: [] };
  }
  await clearCancel(tx, deploymentId);
  if (path !== "cold") {
    return {
      begun: { kind: "begun" },
      regions: await wake(tx, { deploymentId, nowMs, message: "Woken by a start." }) ?? [],
    };
  }
  await markStartCold(tx, deploymentId);
  return { begun: { kind: "begun" }, regions: await place(tx, deps, { deployment, sentinels, nowMs }) };
}

async function place(
  tx: Tx,
  deps: StartDeps,
  { deployment, sentinels, nowMs }: {
    readonly deployment: DeploymentsTable;
    readonly sentinels: readonly WantedSentinel[];
    readonly nowMs: number;
  },
): Promise<readonly string[]> {
  const { id: deploymentId } = deployment;
  const former = await lockTopology(tx, deploymentId);
  const regions = former.length > 0
    ? former.map(({ region, desired_replicas }) => ({ region, replicas: desired_replicas }))
    : deps.regions.map((region) => ({ region, replicas: deployment.replicas || deps.replicas }));
  await moveStatus(tx, { id: deploymentId, from: ["stopped"], to: "deploying", nowMs });
  const names = regions.map(({ region }) => region);
  const message = `Starting the app again in ${names.join(", ")}.`;
  await startStep(tx, { deploymentId, name: "deploying", message, nowMs });
  await announceRoutes(tx, deploymentId, nowMs);
  await placeScaled(tx, { deployment, regions, sentinels, nowMs });
  return [EDGE_REGION, ...names];
}

function gated(row: DeploymentsTable) {
  return {
    id: row.id,
    projectId: row.project_id,
    environmentId: row.environment_id,
    status: row.status,
    imageRemoved: row.image_removed_at !== null,
    gitCommitSha: row.git_commit_sha,
  };
}
