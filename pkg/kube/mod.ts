/**
 * A narrow client of the Kubernetes API: list, watch, server-side apply, delete, logs, and token reviews.
 *
 * ```ts
 * const cluster = openCluster(await loadAccess({ kubeconfig: "/home/me/.kube/config" }));
 * const pods = new Informer({ cluster, resource: PODS, selection, schema: Pod, onChange, clock, log });
 * await applyObject(cluster, REPLICA_SETS, manifest, { fieldManager: "me", schema: AnyObject, signal });
 * ```
 *
 * Credentials of a kubeconfig and the types of objects come from `@kubernetes/client-node`. Transport, lists, watches and
 * the informer are our own, because of the library: it opens a TLS connection for each call, so that 200 applies at once
 * take 5 times as long and 8 times the CPU; on Deno the body of an answer never fails, so that a lost watch goes unnoticed;
 * and its informer stops for good on most errors. `docs/decisions/0002-fetch-client-for-kubernetes-and-docker.md` has the
 * numbers, `tests/bench/kube_client.ts` measures them.
 *
 * Every call takes a signal and has a time limit, but for streams. Answers are checked; error answers become faults: 404
 * `not_found`, 409 `already_exists` (a conflict of two writers: `unavailable`), 403 `permission_denied`, other 4xx
 * `invalid_argument`, 5xx and no answer `unavailable`.
 *
 * @module
 */
export { type AccessOptions, loadAccess } from "./access.ts";
export { type ApiRequest, callJson, type Cluster, clusterVersion, openCluster } from "./cluster.ts";
export type { Access, Credentials } from "./credentials.ts";
export { ApiFault, isExpired } from "./fault.ts";
export { Informer, type InformerOptions } from "./informer.ts";
export { fencedCluster, LeaderLease, type LeaseOptions } from "./lease.ts";
export type { FieldsOf, JsonOf } from "./model.ts";
export { type PodLogLine, type PodLogRange, podLogs } from "./logs.ts";
export {
  AnyObject,
  applyObject,
  createObject,
  deleteObject,
  type Deletion,
  DEPLOYMENTS,
  DISRUPTION_BUDGETS,
  EVENTS,
  getObject,
  type KubeObject,
  labelSelector,
  LEASES,
  listObjects,
  type Manifest,
  Metadata,
  NAMESPACES,
  NETWORK_POLICIES,
  NODES,
  objectPath,
  type ObjectRef,
  patchObject,
  PODS,
  REPLICA_SETS,
  type Resource,
  SECRETS,
  type Selection,
  SERVICES,
} from "./objects.ts";
export { reviewPodToken, type TokenPod } from "./token_review.ts";
export { type WatchEvent, watchObjects } from "./watch.ts";
