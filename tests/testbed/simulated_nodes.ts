/**
 * Nodes that do not exist: pods on them become ready at once and cost nothing, which is how the platform meets more
 * pods than this machine can run. kwok plays their kubelets against the cluster's real apiserver.
 */
import { type Cluster, kubectl } from "./cluster.ts";
import { Part } from "./process.ts";

/** Nodes to schedule pods on. Disposing of them removes them; the pods' namespaces go before. */
export interface SimulatedNodes extends AsyncDisposable {
  /** Fields of a pod's spec with which it is scheduled there and nowhere else. */
  readonly placement: {
    readonly nodeSelector: Readonly<Record<string, string>>;
    readonly tolerations: readonly { readonly key: string; readonly operator: "Exists" }[];
  };
  /** They say nothing any more, like machines that lost their power. */
  goSilent(): Promise<void>;
}

/** Outside of what the cluster's own pods and Services use. Nothing answers there. */
const POD_CIDR = "10.250.0.0/16";

/** Adds `count` nodes to the cluster, or throws when kwok is not to be found. */
export async function simulateNodes(cluster: Cluster, count: number): Promise<SimulatedNodes> {
  if (cluster.kwok === undefined) throw new Error("no kwok: dev/parts/kwok.sh builds it");
  const key = `simulated-${crypto.randomUUID().slice(0, 8)}`;
  const folder = await Deno.makeTempDir({ prefix: "unkey-kwok-" });
  await Deno.writeTextFile(`${folder}/stages.yaml`, STAGES);
  const nodes = Array.from({ length: count }, (_, index) => nodeObject(`${key}-${index}`, key));
  const isReady = `jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}`;
  const part = new Part({
    name: "kwok",
    command: cluster.kwok,
    args: [
      `--kubeconfig=${cluster.kubeconfig}`,
      `--config=${folder}/stages.yaml`,
      `--manage-nodes-with-label-selector=${key}=`,
      `--cidr=${POD_CIDR}`,
      // Without a sign of life the cluster takes them for lost before long, and their pods with them.
      "--node-lease-duration-seconds=40",
    ],
    // It writes its settings there.
    env: () => ({ HOME: folder }),
    logFile: `${folder}/kwok.log`,
    ready: async () => {
      const ready = await kubectl(cluster, ["get", "nodes", "-l", key, "-o", isReady]);
      return ready.split(" ").filter((each) => each === "True").length === count;
    },
  });
  const simulated: SimulatedNodes = {
    placement: { nodeSelector: { [key]: "" }, tolerations: [{ key, operator: "Exists" }] },
    goSilent: () => part.kill("SIGKILL"),
    async [Symbol.asyncDispose]() {
      await kubectl(cluster, ["delete", "nodes", "-l", key, "--wait=false"]);
      await part.kill("SIGTERM");
      await Deno.remove(folder, { recursive: true });
    },
  };
  try {
    await kubectl(
      cluster,
      ["apply", "-f", "-"],
      JSON.stringify({ apiVersion: "v1", kind: "List", items: nodes }),
    );
    await part.start();
    return simulated;
  } catch (error) {
    await simulated[Symbol.asyncDispose]();
    throw error;
  }
}

function nodeObject(name: string, key: string): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { [key]: "", "kubernetes.io/hostname": name } },
    // Only these nodes' pods are lost.
    spec: { taints: [{ key, effect: "NoSchedule" }] },
  };
}

/** Stages of simulated nodes and pods. kwok has these as files beside its source; the program alone knows none. */
const STAGES = `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: node-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Node}
  selector:
    matchExpressions:
      - {key: '.status.conditions.[] | select( .type == "Ready" ) | .status', operator: NotIn, values: ["True"]}
  next:
    statusTemplate: |
      conditions:
      {{ range NodeConditions }}
      - {type: {{ .type | Quote }}, status: {{ .status | Quote }}, reason: {{ .reason | Quote }}, lastHeartbeatTime: {{ Now | Quote }}, lastTransitionTime: {{ Now | Quote }}}
      {{ end }}
      allocatable: {cpu: 1k, memory: 1Ti, ephemeral-storage: 10Ti, pods: 10k}
      capacity: {cpu: 1k, memory: 1Ti, ephemeral-storage: 10Ti, pods: 10k}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
      - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
      - {key: .status.phase, operator: In, values: [Pending]}
  next:
    statusTemplate: |
      phase: Running
      startTime: {{ Now | Quote }}
      conditions:
      - {type: Initialized, status: "True", lastTransitionTime: {{ Now | Quote }}}
      - {type: Ready, status: "True", lastTransitionTime: {{ Now | Quote }}}
      - {type: ContainersReady, status: "True", lastTransitionTime: {{ Now | Quote }}}
      containerStatuses:
      {{ range .spec.containers }}
      - {name: {{ .name | Quote }}, image: {{ .image | Quote }}, imageID: "", ready: true, started: true, restartCount: 0, state: {running: {startedAt: {{ Now | Quote }}}}}
      {{ end }}
      {{ with PodIPsWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace }}
      podIP: {{ index . 0 | Quote }}
      podIPs:
      - {ip: {{ index . 0 | Quote }}}
      {{ end }}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-gone}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
      - {key: .metadata.deletionTimestamp, operator: Exists}
  next:
    delete: true
`;
