import type { V1Secret } from "@kubernetes/client-node";
import { digestOf } from "../../../../../pkg/hash/mod.ts";
import type { Manifest } from "../../../../../pkg/kube/mod.ts";
import type { RegistryCredentials } from "../../../../../pkg/registry/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import { ANNOTATION, deploymentLabels, namespaceOf, ownLabels, secretName } from "./labels.ts";
import { REGISTRY_SECRET } from "./replica_set.ts";
import type { KubernetesSettings } from "./settings.ts";

/** The Secret with a deployment's variables. It goes with the ReplicaSet that owns it. */
export function variablesSecret(
  desired: DesiredDeployment,
  owner: { readonly uid: string },
  settings: KubernetesSettings,
): Manifest {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: secretName(desired.name),
      namespace: namespaceOf(desired),
      labels: deploymentLabels(desired, settings),
      ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: desired.name, uid: owner.uid }],
    },
    type: "Opaque",
    data: Object.fromEntries(
      Object.entries(desired.env).toSorted(byName).map(([name, value]) => [name, base64(value)]),
    ),
  } satisfies V1Secret;
}

/** Written by another field manager than the rest, so that writing the values leaves it as it is. */
export function variablesRevision(
  desired: DesiredDeployment,
  marks: { readonly digest: string; readonly revision: string },
): Manifest {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: secretName(desired.name),
      namespace: namespaceOf(desired),
      annotations: { [ANNOTATION.digest]: marks.digest, [ANNOTATION.revision]: marks.revision },
    },
  } satisfies V1Secret;
}

/** Equal for equal variables of a deployment. */
export function variablesDigest(desired: DesiredDeployment): string {
  return digestOf([desired.deploymentId, Object.entries(desired.env).toSorted(byName)]);
}

/** The credentials with which a namespace's pods pull images of the registry. */
export function registrySecret(
  namespace: string,
  registry: { readonly name: string; readonly credentials: RegistryCredentials },
  settings: KubernetesSettings,
): Manifest {
  const { username, password } = registry.credentials;
  const auth = base64(`${username}:${password.reveal()}`);
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: REGISTRY_SECRET, namespace, labels: ownLabels(settings) },
    type: "kubernetes.io/dockerconfigjson",
    data: { ".dockerconfigjson": base64(JSON.stringify({ auths: { [registry.name]: { auth } } })) },
  } satisfies V1Secret;
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}
