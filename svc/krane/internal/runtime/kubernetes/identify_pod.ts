import {
  type Cluster,
  getObject,
  type ObjectRef,
  PODS,
  reviewPodToken,
} from "../../../../../pkg/kube/mod.ts";
import type { PodIdentity } from "../../secrets/give_variables.ts";
import { deploymentSelection, type Identity, LABEL } from "./labels.ts";
import { Pod, type ReplicaSet } from "./objects.ts";
import { TOKEN_AUDIENCE } from "./replica_set.ts";
import { isTerminating } from "./status.ts";

export interface IdentifyDeps {
  readonly cluster: Cluster;
  readonly settings: Identity;
  readonly findSet: (ref: ObjectRef) => ReplicaSet | undefined;
}

/**
 * The deployment whose running pod a token was made for. The pod is read again, because its labels and status may have
 * changed, and it must belong to the deployment's own ReplicaSet: every user who may make pods can write labels.
 */
export async function identifyPod(
  { cluster, findSet, settings }: IdentifyDeps,
  token: string,
  signal: AbortSignal,
): Promise<PodIdentity | undefined> {
  const proved = await reviewPodToken(cluster, token, { audience: TOKEN_AUDIENCE, signal });
  if (proved === undefined) return undefined;
  const pod = await getObject(cluster, PODS, proved, { schema: Pod, signal });
  if (pod === undefined || pod.metadata.uid !== proved.uid) return undefined;
  if (isTerminating(pod) || pod.status.phase !== "Running") return undefined;
  const { labels, namespace, ownerReferences } = pod.metadata;
  const own = Object.entries(deploymentSelection(settings));
  if (!own.every(([name, value]) => labels[name] === value)) return undefined;
  const deploymentName = labels[LABEL.name] ?? "";
  const set = findSet({ namespace, name: deploymentName });
  const owned = set !== undefined &&
    ownerReferences.some((each) => each.kind === "ReplicaSet" && each.uid === set.metadata.uid);
  if (!owned) return undefined;
  return {
    deploymentName,
    deploymentId: labels[LABEL.deployment] ?? "",
    environmentId: labels[LABEL.environment] ?? "",
  };
}
