/** The chart of the platform, by the real Helm. */
import { built, run } from "../../../dev/bed/part.ts";
import type { Cluster } from "../../testbed/cluster.ts";
import { type BedFacts, bedSettings, builder, DNS_SEARCHES, REQUESTS } from "./overlay.ts";

export const CHART = new URL("../../../dev/k8s/chart", import.meta.url).pathname;

/** Runs Helm and answers with what it printed. Its own files stay in `folder`. */
export async function helm(
  { kubeconfig }: Pick<Cluster, "kubeconfig">,
  folder: string,
  args: readonly string[],
): Promise<string> {
  const homes = ["CACHE", "CONFIG", "DATA"].map((name) => `HELM_${name}_HOME=${folder}/helm/${name}`);
  return await run("env", [...homes, `KUBECONFIG=${kubeconfig}`, await built("helm"), ...args]);
}

/** An operator's values, with what the test bed has and lacks. */
export function chartValues(facts: BedFacts): Record<string, unknown> {
  const pods = {
    dnsPolicy: "None",
    dnsConfig: {
      nameservers: [facts.dns],
      searches: DNS_SEARCHES.map((each) => each.replace("unkey.svc", `${facts.namespace}.svc`)),
      options: [{ name: "ndots", value: "5" }],
    },
    resources: { requests: REQUESTS },
  };
  const { sidecar, volume, mount, group } = builder(facts);
  const { controlPlane, krane } = bedSettings(facts);
  return {
    image: imageOf(facts.images.platform),
    controlPlane: { enabled: true },
    config: { controlPlane, krane: { ...krane, UNKEY_KRANE_RUNTIME_CLASS: null } },
    gvisor: { enabled: false },
    buildkitd: { enabled: false },
    ctrlApi: pods,
    krane: pods,
    frontline: { ...pods, service: { type: "ClusterIP" } },
    restate: { ...pods, image: imageOf(facts.images.restate) },
    ctrlWorker: {
      ...pods,
      podSecurityContext: { supplementalGroups: [group] },
      extraContainers: [{ ...sidecar, image: facts.images.platform }],
      extraVolumes: [volume],
      extraVolumeMounts: [mount],
    },
  };
}

function imageOf(name: string): { readonly repository: string; readonly tag: string } {
  const at = name.lastIndexOf(":");
  return { repository: name.slice(0, at), tag: name.slice(at + 1) };
}
