import type {
  V1Affinity,
  V1Container,
  V1EnvVar,
  V1PodSpec,
  V1ReplicaSet,
  V1ResourceRequirements,
  V1Sysctl,
  V1Volume,
} from "@kubernetes/client-node";
import { digestOf } from "../../../../../pkg/hash/mod.ts";
import type { Manifest } from "../../../../../pkg/kube/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import { platformVariables } from "../../deployment/platform_variables.ts";
import { ANNOTATION, deploymentLabels, LABEL, namespaceOf, ownLabels, secretName } from "./labels.ts";
import { probes } from "./probes.ts";
import type { KubernetesSettings } from "./settings.ts";
import { podTolerations } from "./tolerations.ts";

/** The container that runs the app. */
export const CONTAINER = "deployment";
/** The audience of a pod's token: only this agent takes it. */
export const TOKEN_AUDIENCE = "unkey-krane";
/** The Secret that the agent makes of its registry credentials. */
export const REGISTRY_SECRET = "unkey-registry";

/** The standard `restricted` allows no other capability. */
const CAPABILITY_RESTRICTED = "NET_BIND_SERVICE";
const TOKEN_FOLDER = "/var/run/secrets/unkey.com";
const TOKEN_SECONDS = 3_600;
const MEMORY_MIB_MIN = 8;
const STORAGE_REQUEST_PERCENT = 10;
const TOPOLOGY_ZONE = "topology.kubernetes.io/zone";
const TOPOLOGY_HOST = "kubernetes.io/hostname";

/** The part of a ReplicaSet that changes from one write to the next. */
export interface Placement {
  readonly replicas: number;
  /** Of the Secret with the variables; `undefined`: there are none. */
  readonly revision: string | undefined;
}

/** The ReplicaSet of a deployment. */
export function replicaSet(
  desired: DesiredDeployment,
  placement: Placement,
  settings: KubernetesSettings,
): Manifest {
  const labels = { ...settings.podLabels, ...deploymentLabels(desired, settings) };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: desired.name,
      namespace: namespaceOf(desired),
      labels,
      ...(Object.keys(settings.podAnnotations).length === 0 ? {} : { annotations: settings.podAnnotations }),
    },
    spec: {
      replicas: placement.replicas,
      selector: { matchLabels: selector(desired, settings) },
      template: {
        metadata: {
          labels,
          annotations: {
            ...settings.podAnnotations,
            [ANNOTATION.specHash]: specHash(desired, placement.revision, settings),
            [ANNOTATION.settings]: settingsHash(desired, placement, settings),
            ...(placement.revision === undefined ? {} : { [ANNOTATION.revision]: placement.revision }),
          },
        },
        spec: podSpec(desired, placement, settings),
      },
    },
  } satisfies V1ReplicaSet;
}

/** Differs when a running pod must be replaced. What the operator sets for all pods reaches the next ones only. */
export function specHash(
  desired: DesiredDeployment,
  revision: string | undefined,
  settings: KubernetesSettings,
): string {
  const { image, command, port, healthCheck, deploymentId } = desired;
  const inputs = [
    image,
    command,
    port,
    healthCheck.path,
    deploymentId,
    revision ?? "",
    limitsOf(desired, settings),
  ];
  return digestOf(inputs).slice(0, 32);
}

/** Differs when a pod that has not come to start must be replaced: whatever differs in it may be what it lacks. */
export function settingsHash(
  desired: DesiredDeployment,
  placement: Placement,
  settings: KubernetesSettings,
): string {
  return digestOf(podSpec(desired, placement, settings)).slice(0, 16);
}

/** Cannot be changed later, so it holds only what never changes. */
export function selector(desired: DesiredDeployment, settings: KubernetesSettings): Record<string, string> {
  return {
    [LABEL.deployment]: desired.deploymentId,
    [LABEL.controlPlane]: ownLabels(settings)[LABEL.controlPlane] ?? "",
  };
}

/** The pods of a deployment. */
export function podSpec(
  desired: DesiredDeployment,
  placement: Placement,
  settings: KubernetesSettings,
): V1PodSpec {
  const { nodeSelector, runtimeClass } = settings;
  const pullSecrets = [
    ...(settings.registry?.credentials === undefined ? [] : [REGISTRY_SECRET]),
    ...settings.imagePullSecrets,
  ];
  return {
    restartPolicy: "Always",
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: drainSeconds(settings) +
      (desired.stopSeconds || settings.stopGraceSeconds),
    // The pause container is the first process then, and collects orphans.
    ...(desired.initAsked ? { shareProcessNamespace: true } : {}),
    ...(desired.stopSignal === "" ? {} : { os: { name: "linux" } }),
    ...(runtimeClass === undefined ? {} : { runtimeClassName: runtimeClass }),
    ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
    tolerations: podTolerations(settings),
    ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
    topologySpreadConstraints: [TOPOLOGY_ZONE, TOPOLOGY_HOST].map((topologyKey) => ({
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector: { matchLabels: selector(desired, settings) },
    })),
    affinity: nearSentinels(desired, settings),
    securityContext: {
      // By the image's own USER: the kubelet refuses root, and a name, whose number it cannot know.
      ...(settings.podSecurity === "restricted" ? { runAsNonRoot: true } : {}),
      seccompProfile: { type: "RuntimeDefault" },
      sysctls: [LOW_PORTS],
    },
    containers: [container(desired, placement, settings)],
    ...(settings.podToken ? { volumes: [TOKEN_VOLUME] } : {}),
  };
}

/** Docker lets every user bind low ports; not every cluster's runtime does so. The setting is one of those called safe. */
const LOW_PORTS: V1Sysctl = { name: "net.ipv4.ip_unprivileged_port_start", value: "0" };

const TOKEN_VOLUME: V1Volume = {
  name: "unkey-token",
  projected: {
    sources: [{
      serviceAccountToken: { audience: TOKEN_AUDIENCE, expirationSeconds: TOKEN_SECONDS, path: "token" },
    }],
  },
};

function container(
  desired: DesiredDeployment,
  placement: Placement,
  settings: KubernetesSettings,
): V1Container {
  const drain = drainSeconds(settings);
  const capabilities = settings.capabilities.filter((each) =>
    settings.podSecurity !== "restricted" || each === CAPABILITY_RESTRICTED
  );
  return {
    name: CONTAINER,
    image: desired.image,
    imagePullPolicy: "IfNotPresent",
    ...(desired.command.length === 0 ? {} : { command: [...desired.command] }),
    ports: [{ name: "deployment", containerPort: desired.port, protocol: "TCP" }],
    ...(placement.revision === undefined
      ? {}
      : { envFrom: [{ secretRef: { name: secretName(desired.name) } }] }),
    env: environment(desired, settings),
    resources: resources(desired, settings),
    ...probes(desired),
    // SIGTERM comes after the edge has left: a terminating pod is not reported as running any more.
    ...lifecycle(desired, drain),
    securityContext: {
      // A program of another user never gets more than its user has; one that starts as root can still become another.
      allowPrivilegeEscalation: false,
      privileged: false,
      capabilities: { drop: ["ALL"], ...(capabilities.length === 0 ? {} : { add: capabilities }) },
    },
    ...(settings.podToken
      ? { volumeMounts: [{ name: TOKEN_VOLUME.name, mountPath: TOKEN_FOLDER, readOnly: true }] }
      : {}),
  };
}

/** These win over the user's own of the same name, which come by `envFrom`. */
function environment(desired: DesiredDeployment, { region }: KubernetesSettings): V1EnvVar[] {
  return [
    ...Object.entries(platformVariables(desired, region)).map(([name, value]) => ({ name, value })),
    { name: "UNKEY_INSTANCE_ID", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
  ];
}

interface Limits {
  readonly cpuMillicores: number;
  readonly memoryMib: number;
  readonly storageMib: number;
}

function limitsOf(desired: DesiredDeployment, settings: KubernetesSettings): Limits {
  return {
    cpuMillicores: desired.cpuMillicores || settings.cpuMillicoresDefault,
    memoryMib: Math.max(MEMORY_MIB_MIN, desired.memoryMib || settings.memoryMibDefault),
    storageMib: desired.ephemeralStorageMib || settings.ephemeralStorageMibDefault,
  };
}

/** Memory is set aside as a whole, because what is over-committed is killed; CPU and disk are lent. */
function resources(desired: DesiredDeployment, settings: KubernetesSettings): V1ResourceRequirements {
  const { cpuMillicores, memoryMib, storageMib } = limitsOf(desired, settings);
  const share = (value: number, percent: number): number => Math.max(1, Math.ceil(value * percent / 100));
  return {
    limits: {
      cpu: `${cpuMillicores}m`,
      memory: `${memoryMib}Mi`,
      "ephemeral-storage": `${storageMib}Mi`,
    },
    requests: {
      cpu: `${share(cpuMillicores, settings.cpuRequestPercent)}m`,
      memory: `${memoryMib}Mi`,
      "ephemeral-storage": `${share(storageMib, STORAGE_REQUEST_PERCENT)}Mi`,
    },
  };
}

/** A cluster without the feature gate ContainerStopSignals drops the signal: the image's own holds there. */
function lifecycle({ stopSignal }: DesiredDeployment, drain: number): Pick<V1Container, "lifecycle"> {
  const parts = {
    ...(drain === 0 ? {} : { preStop: { sleep: { seconds: drain } } }),
    ...(stopSignal === "" ? {} : { stopSignal }),
  };
  return Object.keys(parts).length === 0 ? {} : { lifecycle: parts };
}

function drainSeconds({ drainMs }: KubernetesSettings): number {
  return Math.ceil(drainMs / 1_000);
}

/** Most requests come through a sentinel of the environment: being in its zone saves a hop between zones. */
function nearSentinels(desired: DesiredDeployment, { sentinelNamespace }: KubernetesSettings): V1Affinity {
  return {
    podAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [{
        weight: 100,
        podAffinityTerm: {
          topologyKey: TOPOLOGY_ZONE,
          namespaces: [sentinelNamespace],
          labelSelector: {
            matchLabels: { [LABEL.component]: "sentinel", [LABEL.environment]: desired.environmentId },
          },
        },
      }],
    },
  };
}
