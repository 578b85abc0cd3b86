import { z } from "zod";
import { callJson, type Cluster } from "../../../../../pkg/kube/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import type { InstanceUsage } from "../port.ts";
import { namespaceOf } from "./labels.ts";

const PodMetrics = z.object({
  items: z.array(z.object({
    metadata: z.object({ name: z.string() }),
    containers: z.array(z.object({ name: z.string(), usage: z.object({ cpu: z.string() }) })),
  })),
});

const PER_CORE: Readonly<Record<string, number>> = { n: 1e9, u: 1e6, m: 1e3, "": 1, k: 1e-3 };

/** Millicores of a quantity such as `250m` or `12345678n`; `undefined` for a text that is none. */
export function millicoresOf(quantity: string): number | undefined {
  const [, count, unit = ""] = /^(\d+(?:\.\d+)?)([numk]?)$/.exec(quantity) ?? [];
  const perCore = PER_CORE[unit];
  if (count === undefined || perCore === undefined) return undefined;
  return Math.round((Number(count) / perCore) * 1_000);
}

/**
 * The CPU of the pods of these deployments, as the cluster's metrics API has it (https://github.com/kubernetes/metrics): one call
 * for each namespace.
 *
 * @throws `not_found` when the cluster has no such API, which metrics-server serves
 */
export async function podUsage(
  cluster: Cluster,
  deployments: readonly DesiredDeployment[],
  signal: AbortSignal,
): Promise<readonly InstanceUsage[]> {
  const usages: InstanceUsage[] = [];
  for (const namespace of new Set(deployments.map(namespaceOf))) {
    const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${encodeURIComponent(namespace)}/pods`;
    const { items } = await callJson(cluster, { method: "GET", path, signal }, PodMetrics);
    for (const { metadata, containers } of items) {
      const parts = containers.map(({ usage }) => millicoresOf(usage.cpu));
      const cpuMillicores = parts.reduce<number>((sum, part) => sum + (part ?? 0), 0);
      if (parts.every((part) => part !== undefined)) usages.push({ name: metadata.name, cpuMillicores });
    }
  }
  return usages;
}
