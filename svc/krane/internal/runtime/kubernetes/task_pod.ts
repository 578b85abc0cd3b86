import type { V1Container, V1Pod } from "@kubernetes/client-node";
import type { KubeObject, Manifest } from "../../../../../pkg/kube/mod.ts";
import type { DesiredDeployment, DesiredTask } from "../../deployment/desired.ts";
import { deploymentLabels, LABEL, namespaceOf } from "./labels.ts";
import { podSpec } from "./replica_set.ts";
import type { KubernetesSettings } from "./settings.ts";

/** A pod that the agent does not stop at its limit, because there is none, is stopped by its node so much later. */
const DEADLINE_SPARE_SECONDS = 900;

/** The name of a task's pod: the same however often it is asked for. */
export function taskPodName(
  desired: Pick<DesiredDeployment, "name">,
  task: Pick<DesiredTask, "name">,
): string {
  return `${desired.name}-${task.name}`;
}

/** True for a pod that runs a task, and no instance of the app. */
export function isTask({ metadata }: Pick<KubeObject, "metadata">): boolean {
  return metadata.labels[LABEL.task] !== undefined;
}

/**
 * The pod of a task: one of the deployment's, but that it reaches no port, is not checked, and never starts again. It goes
 * with the ReplicaSet that owns it, whose selector it does not match.
 */
export function taskPod(
  desired: DesiredDeployment,
  task: DesiredTask,
  { owner, settings }: { readonly owner: { readonly uid: string }; readonly settings: KubernetesSettings },
): Manifest {
  const { [LABEL.deployment]: deployment = "", ...labels } = deploymentLabels(desired, settings);
  const hasVariables = Object.keys(desired.env).length > 0;
  const placement = { replicas: 0, revision: hasVariables ? "of the Secret" : undefined };
  const { topologySpreadConstraints: _spread, affinity: _near, ...spec } = podSpec(
    { ...desired, command: task.command },
    placement,
    settings,
  );
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: taskPodName(desired, task),
      namespace: namespaceOf(desired),
      labels: { ...settings.podLabels, ...labels, [LABEL.task]: task.name, [LABEL.taskOf]: deployment },
      ...(Object.keys(settings.podAnnotations).length === 0 ? {} : { annotations: settings.podAnnotations }),
      ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: desired.name, uid: owner.uid }],
    },
    spec: {
      ...spec,
      restartPolicy: "Never",
      activeDeadlineSeconds: task.timeoutSeconds + DEADLINE_SPARE_SECONDS,
      terminationGracePeriodSeconds: desired.stopSeconds || settings.stopGraceSeconds,
      containers: spec.containers.map((each) => taskContainer(each, task)),
    },
  } satisfies V1Pod;
}

function taskContainer(
  { ports: _ports, startupProbe: _startup, readinessProbe: _ready, livenessProbe: _live, ...container }:
    V1Container,
  task: DesiredTask,
): V1Container {
  const { lifecycle: _lifecycle, ...rest } = container;
  return { ...rest, env: [...rest.env ?? [], { name: "UNKEY_TASK", value: task.name }] };
}
