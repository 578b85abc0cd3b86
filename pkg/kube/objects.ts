import type { V1ObjectMeta } from "@kubernetes/client-node";
import { z } from "zod";
import { Fault, isFault } from "../fault/mod.ts";
import { type ApiRequest, callJson, type Cluster } from "./cluster.ts";
import type { FieldsOf } from "./model.ts";

/** A kind of object, as the API addresses it. */
export interface Resource {
  /** Empty: the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Names one object; `namespace` is ignored for kinds that have none. */
export interface ObjectRef {
  readonly namespace: string;
  readonly name: string;
}

/** An object to be written: what it is, and everything else about it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

/** The metadata of an object. */
export const Metadata = z.object(
  {
    name: z.string(),
    namespace: z.string().default(""),
    uid: z.string(),
    resourceVersion: z.string(),
    generation: z.number().optional(),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
    creationTimestamp: z.string().default(""),
    deletionTimestamp: z.string().optional(),
    ownerReferences: z.array(z.object({ kind: z.string(), name: z.string(), uid: z.string() })).default([]),
  } satisfies FieldsOf<V1ObjectMeta>,
);
export type Metadata = z.output<typeof Metadata>;

/** An object of which only its metadata matters. */
export const AnyObject = z.object({ metadata: Metadata });

export interface KubeObject {
  readonly metadata: Metadata;
}

const core = (kind: string, plural: string, namespaced = true): Resource => ({
  group: "",
  version: "v1",
  kind,
  plural,
  namespaced,
});

export const NAMESPACES = core("Namespace", "namespaces", false);
export const PODS = core("Pod", "pods");
export const EVENTS = core("Event", "events");
export const SECRETS = core("Secret", "secrets");
export const SERVICES = core("Service", "services");
export const REPLICA_SETS = { ...core("ReplicaSet", "replicasets"), group: "apps" };
export const DEPLOYMENTS = { ...core("Deployment", "deployments"), group: "apps" };
export const NETWORK_POLICIES = { ...core("NetworkPolicy", "networkpolicies"), group: "networking.k8s.io" };
export const DISRUPTION_BUDGETS = { ...core("PodDisruptionBudget", "poddisruptionbudgets"), group: "policy" };

export const LEASES = { ...core("Lease", "leases"), group: "coordination.k8s.io" };
export const NODES = core("Node", "nodes", false);

/** The path of all objects of a kind, in one namespace or in all of them. */
export function collectionPath({ group, version, plural, namespaced }: Resource, namespace?: string): string {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const within = namespaced && namespace !== undefined && namespace !== ""
    ? `/namespaces/${encodeURIComponent(namespace)}`
    : "";
  return `${root}${within}/${plural}`;
}

/** The path of one object. */
export function objectPath(resource: Resource, { namespace, name }: ObjectRef): string {
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
}

/** Reads one object, or `undefined` when there is none. */
export async function getObject<T>(
  cluster: Cluster,
  resource: Resource,
  ref: ObjectRef,
  options: { readonly schema: z.ZodType<T>; readonly signal: AbortSignal },
): Promise<T | undefined> {
  try {
    const request = { method: "GET", path: objectPath(resource, ref), signal: options.signal } as const;
    return await callJson(cluster, request, options.schema);
  } catch (error) {
    if (isFault(error, "not_found")) return undefined;
    throw error;
  }
}

/** Which objects of a kind. */
export interface Selection {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Absent: fields do not matter. Only some fields of each kind can be selected by. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** The selector text for labels that all must be equal. */
export function labelSelector(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(",");
}

const PAGE = 500;
const PAGES_MAX = 1_000;

/** Lists objects page by page, together with the version at which a watch takes over. */
export async function listObjects<T>(
  cluster: Cluster,
  resource: Resource,
  selection: Selection,
  options: { readonly schema: z.ZodType<T>; readonly signal: AbortSignal },
): Promise<{ readonly items: T[]; readonly resourceVersion: string }> {
  const List = z.object({
    metadata: z.object({ resourceVersion: z.string(), continue: z.string().default("") }),
    items: z.array(options.schema),
  });
  const items: T[] = [];
  let next: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer = await callJson(cluster, {
      method: "GET",
      path: collectionPath(resource, selection.namespace),
      query: {
        labelSelector: labelSelector(selection.labels),
        fieldSelector: selection.fields && labelSelector(selection.fields),
        limit: String(PAGE),
        continue: next,
      },
      signal: options.signal,
    }, List);
    items.push(...answer.items);
    next = answer.metadata.continue;
    if (next === "") return { items, resourceVersion: answer.metadata.resourceVersion };
  }
  throw new Fault("internal", `the list of ${resource.plural} has more than ${PAGES_MAX * PAGE} objects`);
}

/**
 * Server-side apply: the object gets exactly the fields of `manifest` from `fieldManager`, also those that another
 * manager has set. Applying it twice equals applying it once.
 */
export async function applyObject<T>(
  cluster: Cluster,
  resource: Resource,
  manifest: Manifest,
  options: { readonly fieldManager: string; readonly schema: z.ZodType<T>; readonly signal: AbortSignal },
): Promise<T> {
  const { name, namespace = "" } = manifest.metadata;
  return await callJson(cluster, {
    method: "PATCH",
    path: objectPath(resource, { name, namespace }),
    query: { fieldManager: options.fieldManager, force: "true" },
    contentType: "application/apply-patch+yaml",
    body: manifest,
    signal: options.signal,
  }, options.schema);
}

/**
 * Creates an object.
 *
 * @throws `already_exists`
 */
export async function createObject<T>(
  cluster: Cluster,
  resource: Resource,
  manifest: Manifest,
  options: { readonly schema: z.ZodType<T>; readonly signal: AbortSignal },
): Promise<T> {
  const path = collectionPath(resource, manifest.metadata.namespace);
  return await callJson(
    cluster,
    { method: "POST", path, body: manifest, signal: options.signal },
    options.schema,
  );
}

/** Changes the fields of a merge patch. With a `resourceVersion` it applies to that version of the object only. */
export async function patchObject<T>(
  cluster: Cluster,
  resource: Resource,
  ref: ObjectRef,
  patch: Readonly<Record<string, unknown>>,
  options: { readonly schema: z.ZodType<T>; readonly signal: AbortSignal },
): Promise<T> {
  return await callJson(cluster, {
    method: "PATCH",
    path: objectPath(resource, ref),
    contentType: "application/merge-patch+json",
    body: patch,
    signal: options.signal,
  }, options.schema);
}

export interface Deletion {
  /** `Foreground`: the objects that it owns are deleted before it. */
  readonly propagation: "Foreground" | "Background";
  /** Only this very object; another one of the same name stays. */
  readonly uid?: string;
  /** Only this version of it. */
  readonly resourceVersion?: string;
  readonly signal: AbortSignal;
}

/** Deletes an object; one that is gone, or is another one by now, is as good as deleted. */
export async function deleteObject(
  cluster: Cluster,
  resource: Resource,
  ref: ObjectRef,
  { propagation, resourceVersion, uid, signal }: Deletion,
): Promise<void> {
  const request: ApiRequest = {
    method: "DELETE",
    path: objectPath(resource, ref),
    body: {
      apiVersion: "v1",
      kind: "DeleteOptions",
      propagationPolicy: propagation,
      ...(uid === undefined ? {} : { preconditions: { uid, resourceVersion } }),
    },
    signal,
  };
  try {
    // The answer says nothing new, but a body that is cancelled resets its HTTP/2 stream, and with many calls at once the
    // client then opens more streams than the server allows.
    await callJson(cluster, request, z.unknown());
  } catch (error) {
    const gone = isFault(error, "not_found") || (uid !== undefined && isConflict(error));
    if (!gone) throw error;
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof Fault && "status" in error && error.status === 409;
}
