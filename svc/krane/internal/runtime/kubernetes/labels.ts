import { publicFault } from "../../../../../pkg/fault/mod.ts";
import { shortHash } from "../../../../../pkg/hash/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import type { KubernetesSettings } from "./settings.ts";

/** Labels of everything that the agent makes. */
export const LABEL = {
  managedBy: "app.kubernetes.io/managed-by",
  component: "app.kubernetes.io/component",
  region: "unkey.com/region",
  controlPlane: "unkey.com/control-plane",
  name: "unkey.com/name",
  workspace: "unkey.com/workspace.id",
  project: "unkey.com/project.id",
  environment: "unkey.com/environment.id",
  deployment: "unkey.com/deployment.id",
  /** On pods of tasks: their name, and the deployment by a label that its ReplicaSet does not select. */
  task: "unkey.com/task",
  taskOf: "unkey.com/task.deployment.id",
  sentinel: "unkey.com/sentinel.id",
  build: "unkey.com/build.id",
} as const;

/** Annotations, which nothing selects by. */
export const ANNOTATION = {
  /** On pods: what they were made from. */
  specHash: "unkey.com/spec-hash",
  /** On pods and their Secret: changes whenever a value does. */
  revision: "unkey.com/variables",
  /** On pods: what the operator has set for them. A pod that does not come to start is made anew when it differs. */
  settings: "unkey.com/settings-hash",
  /** On ReplicaSets whose pods are refused: the last time at which the agent had Kubernetes try again. */
  retriedAt: "unkey.com/retried-at",
  /** On pods, Kubernetes' own: pods with a lower number are removed before others. */
  deletionCost: "controller.kubernetes.io/pod-deletion-cost",
  /** On the Secret only, whose readers see the values anyway. */
  digest: "unkey.com/variables-digest",
} as const;

/** The owner of the agent's objects. */
export type Identity = Pick<KubernetesSettings, "region" | "controlPlaneId">;

/** The labels of all objects that belong to this agent, and of no others. */
export function ownLabels({ region, controlPlaneId }: Identity): Record<string, string> {
  return {
    [LABEL.managedBy]: "krane",
    [LABEL.region]: labelValue(region),
    [LABEL.controlPlane]: shortHash(controlPlaneId, 16),
  };
}

/** The Lease that agents of the same region and control plane compete for. */
export function leaseName({ region, controlPlaneId }: Identity): string {
  return `unkey-krane-${shortHash(JSON.stringify([region, controlPlaneId]), 16)}`;
}

/** The labels of the objects of deployments, as a selection. */
export function deploymentSelection(identity: Identity): Record<string, string> {
  return { ...ownLabels(identity), [LABEL.component]: "deployment" };
}

/** The labels of one deployment's objects. */
export function deploymentLabels(desired: DesiredDeployment, identity: Identity): Record<string, string> {
  return {
    ...deploymentSelection(identity),
    [LABEL.name]: desired.name,
    [LABEL.workspace]: labelValue(desired.workspaceId),
    [LABEL.project]: labelValue(desired.projectId),
    [LABEL.environment]: labelValue(desired.environmentId),
    [LABEL.deployment]: labelValue(desired.deploymentId),
    ...(desired.buildId === "" ? {} : { [LABEL.build]: labelValue(desired.buildId) }),
  };
}

/** The namespace of a deployment: the one that it asks for, or else its workspace's own. */
export function namespaceOf(desired: Pick<DesiredDeployment, "namespace" | "workspaceId">): string {
  return desired.namespace === "" ? `unkey-${shortHash(desired.workspaceId, 16)}` : desired.namespace;
}

/** The Secret with a deployment's variables. */
export function secretName(deployment: string): string {
  return `${deployment}-env`;
}

/** Ids can differ in upper and lower case only, which label values keep. */
export function labelValue(text: string): string {
  if (/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(text)) return text;
  throw publicFault("invalid_argument", `"${text.slice(0, 80)}" cannot be the value of a Kubernetes label`);
}
