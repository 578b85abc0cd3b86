import type { Registry } from "../../../../../pkg/registry/mod.ts";

/** A toleration of a pod; without a value it tolerates any. */
export interface Toleration {
  readonly key: string;
  readonly value?: string;
  /** Absent: all effects. */
  readonly effect?: string;
  /** Of `NoExecute`: the pod goes after this time; absent: it stays. */
  readonly seconds?: number;
}

/** The agent's settings for all its pods. */
export interface KubernetesSettings {
  readonly region: string;
  readonly controlPlaneId: string;
  readonly cpuMillicoresDefault: number;
  readonly memoryMibDefault: number;
  readonly ephemeralStorageMibDefault: number;
  /** The share of a CPU limit that the scheduler sets aside. */
  readonly cpuRequestPercent: number;
  /** A pod goes on for so long after it was marked as terminating, so that the edge can leave it. */
  readonly drainMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly stopGraceSeconds: number;
  readonly runtimeClass: string | undefined;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly Toleration[];
  /** A pod of a node that does not answer goes after so long. */
  readonly nodeLostSeconds: number;
  /** Taints of nodes that are going to end. */
  readonly drainTaints: readonly string[];
  /** An app's only pod on a node that drains is kept for so long, until another one runs. */
  readonly drainWaitSeconds: number;
  /** `allow`: an app's only pod may be evicted before another one runs. */
  readonly evictions: "replace" | "allow" | "none";
  readonly podSecurity: "baseline" | "restricted";
  /** The operator's, for all apps. */
  readonly podLabels: Readonly<Record<string, string>>;
  readonly podAnnotations: Readonly<Record<string, string>>;
  /** Capabilities that a process keeps when it runs as root. */
  readonly capabilities: readonly string[];
  /** Secrets of each namespace that the agent does not make itself. */
  readonly imagePullSecrets: readonly string[];
  /** Its credentials are put into each namespace. */
  readonly registry: Registry | undefined;
  readonly edgeNamespaces: readonly string[];
  readonly sentinelNamespace: string;
  readonly ingressCidrs: readonly string[];
  readonly egressDeniedCidrs: readonly string[];
  /** Addresses of resolvers. */
  readonly dnsServers: readonly string[];
  /** Namespaces of pods that are resolvers. */
  readonly dnsNamespaces: readonly string[];
  /** True if pods get a token that only this agent takes. */
  readonly podToken: boolean;
}
