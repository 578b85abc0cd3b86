import type { Registry } from "../../../../../pkg/registry/mod.ts";

/** A toleration of a pod; without a value it tolerates any. */
export interface Toleration {
  readonly key: string;
  readonly value?: string;
  /** Absent: all effects. */
  readonly effect?: string;
}

/** What the agent decides for all its pods. */
export interface KubernetesSettings {
  readonly region: string;
  readonly controlPlaneId: string;
  readonly cpuMillicoresDefault: number;
  readonly memoryMibDefault: number;
  readonly ephemeralStorageMibDefault: number;
  /** What the scheduler sets aside of a CPU limit. */
  readonly cpuRequestPercent: number;
  /** How long a pod goes on after it was marked as terminating, so that the edge can leave it. */
  readonly drainMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly stopGraceSeconds: number;
  readonly runtimeClass: string | undefined;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly Toleration[];
  /** Capabilities that a process keeps when it runs as root. */
  readonly capabilities: readonly string[];
  /** Secrets of each namespace that somebody else puts there. */
  readonly imagePullSecrets: readonly string[];
  /** Its credentials are put into each namespace. */
  readonly registry: Registry | undefined;
  readonly edgeNamespaces: readonly string[];
  readonly sentinelNamespace: string;
  readonly ingressCidrs: readonly string[];
  readonly egressDeniedCidrs: readonly string[];
  /** Whether pods get a token that only this agent takes. */
  readonly podToken: boolean;
}
