import type { Client } from "@connectrpc/connect";
import type { Deployment, DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { DeployResult } from "./result.ts";

/** It is a comfort, and nobody should wait for it when the control plane has just gone. */
const FIND_MS_MAX = 5_000;

/** What serves the environment of a deployment that has ended; `undefined` when that is nothing, itself, or not known. */
export async function findLive(
  client: Client<typeof DeploymentService>,
  { id, environmentLiveDeploymentId: liveId }: Deployment,
  stop: AbortSignal,
): Promise<DeployResult["live"]> {
  if (liveId === "" || liveId === id) return undefined;
  const signal = AbortSignal.any([stop, AbortSignal.timeout(FIND_MS_MAX)]);
  // Without it, the failure itself still has to be told.
  const found = await client.getDeployment({ deploymentId: liveId }, { signal }).catch(() => undefined);
  return { id: liveId, urls: found?.deployment?.urls ?? [] };
}
