import type { V1PodDisruptionBudget } from "@kubernetes/client-node";
import type { Manifest } from "../../../../../pkg/kube/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import { deploymentLabels, namespaceOf } from "./labels.ts";
import { selector } from "./replica_set.ts";
import type { KubernetesSettings } from "./settings.ts";

/** The agent has no right to delete budgets: one that is not wanted matches nothing. */
const ON_NO_POD = { "unkey.com/evictions": "none" };

/**
 * The pods of a deployment that an eviction must leave. Of several one may go at a time; the only one waits until the agent
 * has made another. A pod that does not run may always go. It goes with the ReplicaSet that owns it.
 */
export function disruptionBudget(
  desired: DesiredDeployment,
  owner: { readonly uid: string },
  { isRelaxed, settings }: { readonly isRelaxed: boolean; readonly settings: KubernetesSettings },
): Manifest {
  const { name, replicas } = desired;
  const { evictions } = settings;
  const kept = replicas === 1 && evictions === "replace" ? 1 : Math.max(0, replicas - 1);
  const matchLabels = selector(desired, settings);
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: {
      name,
      namespace: namespaceOf(desired),
      labels: deploymentLabels(desired, settings),
      ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name, uid: owner.uid }],
    },
    spec: {
      minAvailable: isRelaxed || evictions === "none" ? 0 : kept,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: { matchLabels: evictions === "none" ? { ...matchLabels, ...ON_NO_POD } : matchLabels },
    },
  } satisfies V1PodDisruptionBudget;
}
