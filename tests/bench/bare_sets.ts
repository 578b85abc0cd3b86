/** The cluster's own time: ReplicaSets that are created at once without an agent. */
import { plainCheck } from "../../svc/krane/internal/deployment/health_check.ts";
import { loadConfig } from "../../pkg/config/mod.ts";
import {
  AnyObject,
  createObject,
  loadAccess,
  type Manifest,
  NETWORK_POLICIES,
  openCluster,
  REPLICA_SETS,
} from "../../pkg/kube/mod.ts";
import { KRANE_FIELDS } from "../../svc/krane/config.ts";
import type { DesiredDeployment } from "../../svc/krane/internal/deployment/desired.ts";
import { networkPolicy } from "../../svc/krane/internal/runtime/kubernetes/network_policy.ts";
import { replicaSet } from "../../svc/krane/internal/runtime/kubernetes/replica_set.ts";
import { type Cluster, createNamespace } from "../testbed/cluster.ts";
import { eventually } from "../testbed/wait.ts";
import { nowMs, removeNamespace, Seen } from "./cluster_bed.ts";

export interface BarePod {
  readonly image: string;
  readonly command: readonly string[];
  readonly port: number;
  readonly cpuMillicores: number;
  readonly memoryMib: number;
}

/** Where a set goes. */
export interface BareAt {
  readonly name: string;
  readonly namespace: string;
}

/** Milliseconds from the first call to the last of all. */
export interface Bare {
  readonly appliedMs: number;
  readonly readyMs: number;
}

const ALL_MS_MAX = 300_000;

/** Manifests: `policyOf` a namespace is created before the measurement, then the sets. */
export interface BareKind {
  readonly policyOf?: (namespace: string) => Manifest;
  readonly setAt: (at: BareAt) => Manifest;
}

/** Creates `count` sets and waits until their pods are ready. */
export async function deployBare(
  cluster: Cluster,
  count: number,
  { policyOf, setAt }: BareKind,
): Promise<Bare> {
  const namespace = await createNamespace(cluster);
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => removeNamespace(cluster, namespace.name));
  await using seen = await Seen.of(cluster, namespace.name);
  const client = openCluster(await loadAccess({ kubeconfig: cluster.kubeconfig }));
  cleanup.defer(() => client.close());
  const signal = AbortSignal.timeout(ALL_MS_MAX);
  const options = { schema: AnyObject, signal };
  if (policyOf !== undefined) {
    await createObject(client, NETWORK_POLICIES, policyOf(namespace.name), options);
  }
  const startedMs = nowMs();
  await Promise.all(Array.from({ length: count }, (_, n) => {
    const manifest = setAt({ name: `bare-${n}`, namespace: namespace.name });
    return createObject(client, REPLICA_SETS, manifest, options);
  }));
  await eventually(`${count} bare pods to be ready`, () => seen.ready.size === count, {
    deadlineMs: ALL_MS_MAX,
  });
  return {
    appliedMs: Math.max(...seen.sets.values()) - startedMs,
    readyMs: Math.max(...seen.ready.values()) - startedMs,
  };
}

/** Plain pods: neither looked at nor confined. */
export function plainPods(pod: BarePod): BareKind {
  return { setAt: (at) => plainSet(at, pod) };
}

/** Pods as krane makes them, with their probes and all that confines them. */
export function samePods(pod: BarePod): BareKind {
  const settings = kraneSettings();
  const policyOf = (namespace: string): Manifest => {
    return networkPolicy(desiredAt({ name: "any", namespace }, pod), settings);
  };
  const setAt = (at: BareAt): Manifest => {
    return replicaSet(desiredAt(at, pod), { replicas: 1, revision: undefined }, settings);
  };
  return { policyOf, setAt };
}

function plainSet({ name, namespace }: BareAt, pod: BarePod): Manifest {
  const labels = { app: name };
  const size = { cpu: `${pod.cpuMillicores}m`, memory: `${pod.memoryMib}Mi` };
  const container = {
    name: "app",
    image: pod.image,
    command: pod.command,
    resources: { limits: size, requests: { ...size, cpu: `${pod.cpuMillicores / 4}m` } },
  };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name, namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { terminationGracePeriodSeconds: 1, containers: [container] },
      },
    },
  };
}

/** Krane's settings as `cluster.ts` starts it. */
function kraneSettings() {
  const flags = {
    "control-plane-url": "https://unkey.example",
    region: "bench",
    tolerations: "none",
    "drain-ms": "0",
    "stop-grace-seconds": "1",
  };
  const config = loadConfig(KRANE_FIELDS, {
    flags: new Map(Object.entries(flags)),
    env: (variable) => variable === "UNKEY_CONTROL_PLANE_BEARER" ? "bench" : undefined,
    readFile: () => "",
  });
  return { ...config, controlPlaneId: "bench", registry: undefined };
}

function desiredAt({ name, namespace }: BareAt, pod: BarePod): DesiredDeployment {
  return {
    ...pod,
    name,
    namespace,
    workspaceId: "ws_bench",
    projectId: "proj_bench",
    environmentId: "env_bench",
    deploymentId: `d_${name}`,
    replicas: 1,
    pidsMax: 1_024,
    ephemeralStorageMib: 2_048,
    healthCheck: plainCheck(""),
    stopSignal: "",
    stopSeconds: 0,
    init: false,
    initAsked: false,
    reportsUsage: false,
    tasks: [],
    env: {},
    buildId: "",
    commit: { sha: "", branch: "", authorHandle: "" },
    blobSha256: "",
  };
}
