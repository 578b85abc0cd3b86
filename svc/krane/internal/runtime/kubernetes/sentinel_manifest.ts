/** The objects of a sentinel: pure functions of what is desired. */
import type {
  V1Container,
  V1Deployment,
  V1EnvVar,
  V1NetworkPolicy,
  V1NetworkPolicyIngressRule,
  V1PodDisruptionBudget,
  V1PodSpec,
  V1Probe,
  V1ResourceRequirements,
  V1Secret,
  V1Service,
  V1Volume,
} from "@kubernetes/client-node";
import { shortHash } from "../../../../../pkg/hash/mod.ts";
import type { JsonOf, Manifest } from "../../../../../pkg/kube/mod.ts";
import type { DesiredSentinel } from "../../sentinel/desired.ts";
import { type Identity, LABEL, labelValue, ownLabels } from "./labels.ts";
import type { Toleration } from "./settings.ts";
import { toleration } from "./tolerations.ts";

/** The agent's settings for all its sentinels. */
export interface SentinelSettings extends Identity {
  readonly sentinelNamespace: string;
  /** The control plane as pods reach it. */
  readonly sentinelControlPlaneUrl: string;
  /** True: its Secret has an authority to trust for the control plane's certificate. */
  readonly hasAuthority: boolean;
  readonly sentinelTolerations: readonly Toleration[];
  readonly sentinelNodeSelector: Readonly<Record<string, string>>;
  /** Names of Secrets with registry credentials. */
  readonly pullSecrets: readonly string[];
  readonly cpuRequestPercent: number;
  /** Namespaces whose pods may reach sentinels. */
  readonly edgeNamespaces: readonly string[];
  /** Addresses from which sentinels may be reached. */
  readonly ingressCidrs: readonly string[];
}

export const SENTINEL_PORT = 8040;
const HEALTH_PATH = "/_unkey/internal/health";
/** The image's unprivileged user, by number, so that the kubelet can tell that it is not root. */
const USER_ID = 65_532;
const TOKEN_KEY = "token";
/** In the Secret, and the file\'s name in a pod. */
const AUTHORITY_KEY = "authority.pem";
const AUTHORITY_FOLDER = "/etc/unkey";
const TMP_MIB = 32;
const STORAGE_MIB = 64;
/** A pod counts as available when it has been ready for so long. */
const MIN_READY_SECONDS = 2;
/** A pod that goes takes requests for so long, until all its clients know. */
const LEAVE_SECONDS = 5;
/** Longer than the program takes to drain, and the time before. */
const GRACE_SECONDS = 30;
const STARTUP_PROBES_MAX = 120;
const PROGRESS_SECONDS = 300;
const REVISIONS_KEPT = 2;
const NAMESPACE_NAME = "kubernetes.io/metadata.name";
const TOPOLOGY = ["topology.kubernetes.io/zone", "kubernetes.io/hostname"];

/** The labels of the objects of sentinels, as a selection. */
export function sentinelSelection(identity: Identity): Record<string, string> {
  return { ...ownLabels(identity), [LABEL.component]: "sentinel" };
}

/** The labels of one sentinel's objects and pods. */
export function sentinelLabels(desired: DesiredSentinel, identity: Identity): Record<string, string> {
  return {
    ...sentinelSelection(identity),
    [LABEL.name]: desired.name,
    [LABEL.workspace]: labelValue(desired.workspaceId),
    [LABEL.project]: labelValue(desired.projectId),
    [LABEL.environment]: labelValue(desired.environmentId),
    [LABEL.sentinel]: labelValue(desired.sentinelId),
  };
}

/** The Deployment that runs a sentinel. Its pods are replaced one by one when anything of them changes. */
export function sentinelDeployment(
  desired: DesiredSentinel,
  replicas: number,
  settings: SentinelSettings,
): Manifest {
  const labels = sentinelLabels(desired, settings);
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { ...named(desired, settings), labels },
    spec: {
      replicas,
      minReadySeconds: MIN_READY_SECONDS,
      progressDeadlineSeconds: PROGRESS_SECONDS,
      revisionHistoryLimit: REVISIONS_KEPT,
      // With a single replica, too, the old pod goes on until the new one is ready.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: { matchLabels: selector(desired, settings) },
      template: {
        // The token is long and random, so that its digest reveals nothing; pods read it at their start.
        metadata: { labels, annotations: { "unkey.com/credential": shortHash(desired.token.reveal(), 16) } },
        spec: podSpec(desired, settings),
      },
    },
  } satisfies V1Deployment;
}

/** The Secret with the token that pods authenticate with. @param authority to trust beside the usual ones, in PEM */
export function sentinelSecret(
  desired: DesiredSentinel,
  owner: { readonly uid: string },
  settings: SentinelSettings,
  authority?: string,
): Manifest {
  const base64 = (text: string): string => new TextEncoder().encode(text).toBase64();
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      ...named(desired, settings),
      labels: sentinelLabels(desired, settings),
      ...ownedBy(desired, owner),
    },
    type: "Opaque",
    data: {
      [TOKEN_KEY]: base64(desired.token.reveal()),
      ...(authority === undefined ? {} : { [AUTHORITY_KEY]: base64(authority) }),
    },
  } satisfies V1Secret;
}

/** The address of a sentinel inside the cluster. */
export function sentinelService(
  desired: DesiredSentinel,
  owner: { readonly uid: string },
  settings: SentinelSettings,
): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      ...named(desired, settings),
      labels: sentinelLabels(desired, settings),
      ...ownedBy(desired, owner),
    },
    spec: {
      type: "ClusterIP",
      selector: selector(desired, settings),
      ports: [{ name: "http", port: SENTINEL_PORT, targetPort: SENTINEL_PORT, protocol: "TCP" }],
    },
  } satisfies V1Service;
}

/** Lets nodes be emptied one pod at a time, and never keeps a node because of a pod that does not work anyway. */
export function sentinelDisruptionBudget(
  desired: DesiredSentinel,
  owner: { readonly uid: string },
  settings: SentinelSettings,
): Manifest {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: {
      ...named(desired, settings),
      labels: sentinelLabels(desired, settings),
      ...ownedBy(desired, owner),
    },
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: { matchLabels: selector(desired, settings) },
    },
  } satisfies V1PodDisruptionBudget;
}

/** Only edges may talk to a sentinel, since a client of it can name any deployment; not the apps beside it. */
export function sentinelNetworkPolicy(
  desired: DesiredSentinel,
  owner: { readonly uid: string },
  settings: SentinelSettings,
): Manifest {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: {
      ...named(desired, settings),
      labels: sentinelLabels(desired, settings),
      ...ownedBy(desired, owner),
    },
    spec: {
      podSelector: { matchLabels: selector(desired, settings) },
      policyTypes: ["Ingress"],
      ingress: ingressRules(settings),
    },
  } satisfies JsonOf<V1NetworkPolicy>;
}

/** Without a peer there must be no rule: a rule without peers lets every client in. */
function ingressRules(
  { edgeNamespaces, ingressCidrs }: SentinelSettings,
): JsonOf<V1NetworkPolicyIngressRule>[] {
  const from = [
    ...edgeNamespaces.map((name) => ({ namespaceSelector: { matchLabels: { [NAMESPACE_NAME]: name } } })),
    ...ingressCidrs.map((cidr) => ({ ipBlock: { cidr } })),
  ];
  return from.length === 0 ? [] : [{ from, ports: [{ protocol: "TCP", port: SENTINEL_PORT }] }];
}

/** host:port inside the cluster. */
export function sentinelAddress(name: string, { sentinelNamespace }: SentinelSettings): string {
  return `${name}.${sentinelNamespace}.svc.cluster.local:${SENTINEL_PORT}`;
}

function named({ name }: DesiredSentinel, { sentinelNamespace: namespace }: SentinelSettings) {
  return { name, namespace };
}

function ownedBy({ name }: DesiredSentinel, { uid }: { readonly uid: string }) {
  return { ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name, uid }] };
}

/** Cannot be changed later, so it holds only what never changes. */
function selector(desired: DesiredSentinel, settings: SentinelSettings): Record<string, string> {
  return {
    [LABEL.sentinel]: desired.sentinelId,
    [LABEL.controlPlane]: ownLabels(settings)[LABEL.controlPlane] ?? "",
  };
}

function podSpec(desired: DesiredSentinel, settings: SentinelSettings): V1PodSpec {
  const { pullSecrets, sentinelNodeSelector: nodeSelector, sentinelTolerations: tolerations } = settings;
  return {
    restartPolicy: "Always",
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
    ...(tolerations.length === 0 ? {} : { tolerations: tolerations.map(toleration) }),
    ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
    topologySpreadConstraints: TOPOLOGY.map((topologyKey) => ({
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector: { matchLabels: selector(desired, settings) },
    })),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER_ID,
      runAsGroup: USER_ID,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [container(desired, settings)],
    volumes: [
      { name: "tmp", emptyDir: { sizeLimit: `${TMP_MIB}Mi` } },
      ...(settings.hasAuthority ? [authorityVolume(desired)] : []),
    ],
  };
}

/** Only the authority: a token in a file would be one more place for it. A change of the Secret reaches the file. */
function authorityVolume({ name }: DesiredSentinel): V1Volume {
  const items = [{ key: AUTHORITY_KEY, path: AUTHORITY_KEY }];
  return { name: "authority", secret: { secretName: name, items } };
}

function container(desired: DesiredSentinel, settings: SentinelSettings): V1Container {
  const probe = (path: string, timing: V1Probe): V1Probe => ({
    httpGet: { path, port: SENTINEL_PORT },
    ...timing,
  });
  const alive = `${HEALTH_PATH}/live`;
  return {
    name: "sentinel",
    image: desired.image,
    imagePullPolicy: "IfNotPresent",
    args: ["sentinel"],
    env: environment(desired, settings),
    ports: [{ name: "http", containerPort: SENTINEL_PORT, protocol: "TCP" }],
    resources: resources(desired, settings),
    startupProbe: probe(alive, { periodSeconds: 1, timeoutSeconds: 3, failureThreshold: STARTUP_PROBES_MAX }),
    // Without its control plane a sentinel is not ready at its start, but there is nothing that a restart would mend.
    livenessProbe: probe(alive, { periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 }),
    readinessProbe: probe(HEALTH_PATH, { periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 2 }),
    lifecycle: { preStop: { sleep: { seconds: LEAVE_SECONDS } } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [
      { name: "tmp", mountPath: "/tmp" },
      ...(settings.hasAuthority ? [{ name: "authority", mountPath: AUTHORITY_FOLDER, readOnly: true }] : []),
    ],
  };
}

function environment(desired: DesiredSentinel, settings: SentinelSettings): V1EnvVar[] {
  const values = {
    UNKEY_HTTP_PORT: String(SENTINEL_PORT),
    UNKEY_WORKSPACE_ID: desired.workspaceId,
    UNKEY_PROJECT_ID: desired.projectId,
    UNKEY_ENVIRONMENT_ID: desired.environmentId,
    UNKEY_SENTINEL_ID: desired.sentinelId,
    UNKEY_REGION: settings.region,
    UNKEY_CONTROL_PLANE_URL: settings.sentinelControlPlaneUrl,
    ...(settings.hasAuthority ? { UNKEY_CA_FILE: `${AUTHORITY_FOLDER}/${AUTHORITY_KEY}` } : {}),
    // Where the runtime keeps what it compiled; the rest of the file system is read-only.
    DENO_DIR: "/tmp",
  };
  return [
    ...Object.entries(values).map(([name, value]) => ({ name, value })),
    {
      name: "UNKEY_CONTROL_PLANE_BEARER",
      valueFrom: { secretKeyRef: { name: desired.name, key: TOKEN_KEY } },
    },
  ];
}

/** Memory is set aside as a whole, because what is over-committed is killed; CPU is lent. */
function resources(
  { cpuMillicores, memoryMib }: DesiredSentinel,
  { cpuRequestPercent }: SentinelSettings,
): V1ResourceRequirements {
  const cpu = Math.max(1, Math.ceil(cpuMillicores * cpuRequestPercent / 100));
  const same = { memory: `${memoryMib}Mi`, "ephemeral-storage": `${STORAGE_MIB}Mi` };
  return { limits: { cpu: `${cpuMillicores}m`, ...same }, requests: { cpu: `${cpu}m`, ...same } };
}
