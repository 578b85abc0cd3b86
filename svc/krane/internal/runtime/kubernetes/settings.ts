import type { Registry } from "../../../../../pkg/registry/mod.ts";

/** A toleration of a pod; without a value it tolerates any. */
export interface Toleration {
  readonly key: string;
  readonly value?: string;
  /** Absent: all effects. */
  readonly effect?: string;
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
  /** True if pods get a token that only this agent takes. */
  readonly podToken: boolean;
}
