import { isFault } from "../../../../../pkg/fault/mod.ts";
import { AnyObject, type Cluster, patchObject, PODS } from "../../../../../pkg/kube/mod.ts";
import { ANNOTATION } from "./labels.ts";
import type { Pod } from "./objects.ts";

/** Below that of pods without a mark, which is 0. */
const COST = "-1000";

/** Marks a pod: when its ReplicaSet shrinks, it goes before the others that run. */
export async function markAsFirst(cluster: Cluster, { metadata }: Pod, signal: AbortSignal): Promise<void> {
  if (metadata.annotations[ANNOTATION.deletionCost] === COST) return;
  const patch = { metadata: { uid: metadata.uid, annotations: { [ANNOTATION.deletionCost]: COST } } };
  try {
    await patchObject(cluster, PODS, metadata, patch, { schema: AnyObject, signal });
  } catch (error) {
    // It has gone already.
    if (!isFault(error, "not_found")) throw error;
  }
}
