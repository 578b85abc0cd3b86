import type { Clock } from "../../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../../pkg/fault/mod.ts";
import {
  AnyObject,
  applyObject,
  type Cluster,
  deleteObject,
  DISRUPTION_BUDGETS,
  type Informer,
  type KubeObject,
  listObjects,
  NETWORK_POLICIES,
  REPLICA_SETS,
  SECRETS,
} from "../../../../../pkg/kube/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import { newDnsName } from "../../../../../pkg/uid/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import { disruptionBudget } from "./disruption_budget.ts";
import { type ForeignWrite, ForeignWrites } from "./foreign_writes.ts";
import { KeyedLock } from "./keyed_lock.ts";
import { ANNOTATION, deploymentSelection, LABEL, namespaceOf } from "./labels.ts";
import type { MoveState } from "./moves.ts";
import { FIELD_MANAGER, Namespaces } from "./namespaces.ts";
import { networkPolicy, policyName } from "./network_policy.ts";
import { ReplicaSet } from "./objects.ts";
import { replicaSet, settingsHash, specHash } from "./replica_set.ts";
import { variablesDigest, variablesRevision, variablesSecret } from "./secrets.ts";
import type { KubernetesSettings } from "./settings.ts";

export interface PlacerOptions {
  readonly cluster: Cluster;
  readonly settings: KubernetesSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sets: Informer<ReplicaSet>;
  readonly policies: Informer<KubeObject>;
}

/** The set that a deployment's pods are made from; `leaving`: its name still belongs to a set that is being deleted. */
export type PlacementResult =
  | (
    & {
      readonly kind: "placed";
      readonly set: ReplicaSet;
      /** The set differs from what it should be: another writer keeps changing it. To be written again after this time. */
      readonly againMs?: number;
    }
    & PodMarks
  )
  | { readonly kind: "leaving"; readonly set: ReplicaSet };

/** The marks of pods that are as they should be. */
export interface PodMarks {
  readonly specHash: string;
  /** Counts for pods that have not come to start. */
  readonly settingsHash: string;
}

interface Applied extends PodMarks, MoveExtent {
  readonly desired: DesiredDeployment;
  readonly uid: string;
  readonly generation: number | undefined;
}

/** The part of a move away from draining nodes that shows in a deployment's objects. */
export type MoveExtent = Pick<MoveState, "surge" | "isRelaxed">;

/** Keeps the values in the Secret apart from their mark, so that writing one leaves the other as it is. */
const REVISION_MANAGER = "krane-variables";
const REVISION_LENGTH = 12;
/** The second one writes the status only. */
const OWN_WRITERS: ReadonlySet<string> = new Set([FIELD_MANAGER, "kube-controller-manager"]);

/**
 * Writes a deployment's objects: namespace, policy, ReplicaSet and Secret, each before what depends on it.
 *
 * The ReplicaSet comes first, empty, then the Secret that it owns, then its pods: no pod is without its variables, and
 * whatever moment the agent dies at, nothing is left that does not go with the ReplicaSet.
 */
export class Placer {
  readonly #options: PlacerOptions;
  readonly #namespaces: Namespaces;
  readonly #foreignWrites: ForeignWrites;
  readonly #applied = new Map<string, Applied>();
  /** As they were written, by namespace and name. */
  readonly #policies = new Map<string, { readonly uid: string; readonly generation: number | undefined }>();
  /** Writes into an environment share the key; its sweep runs alone. */
  readonly #environments = new KeyedLock();
  /** Of deployments that come together, one writes the policy of their environment. */
  readonly #policyWrites = new KeyedLock();

  constructor(options: PlacerOptions) {
    this.#options = options;
    this.#foreignWrites = new ForeignWrites(options);
    this.#namespaces = new Namespaces(options.cluster, options.settings);
  }

  /** Writes what is not yet as it should be; costs nothing when all is. */
  async place(desired: DesiredDeployment, move: MoveExtent, signal: AbortSignal): Promise<PlacementResult> {
    const namespace = namespaceOf(desired);
    const set = this.#options.sets.get({ namespace, name: desired.name });
    if (set?.metadata.deletionTimestamp !== undefined) return { kind: "leaving", set };
    const applied = this.#applied.get(desired.name);
    const isWanted = applied?.desired === desired && applied.surge === move.surge &&
      applied.isRelaxed === move.isRelaxed;
    if (set !== undefined && isWanted && isSame(set, applied) && this.#hasPolicy(desired)) {
      return { kind: "placed", ...marksOf(applied), set };
    }
    const foreign = isWanted ? this.#foreignWrite(desired, set, applied) : undefined;
    const againMs = foreign === undefined ? 0 : this.#foreignWrites.waitMs(foreign);
    if (set !== undefined && applied !== undefined && againMs > 0) {
      return { kind: "placed", ...marksOf(applied), set, againMs };
    }
    try {
      await this.#namespaces.ensure(namespace, desired.workspaceId, signal);
      return await this.#environments.share(
        environmentKey(desired),
        () => this.#write(desired, { known: set, move }, signal),
      );
    } catch (error) {
      this.#namespaces.forget(namespace);
      throw error;
    }
  }

  /** Looks at everything of a deployment again the next time. */
  forget(name: string): void {
    this.#applied.delete(name);
  }

  /** Deletes a deployment's ReplicaSets and what they own. Returns whether there were any. */
  async delete(name: string, signal: AbortSignal): Promise<ReplicaSet[]> {
    const { cluster, settings } = this.#options;
    this.#applied.delete(name);
    this.#foreignWrites.forget(name);
    const labels = { ...deploymentSelection(settings), [LABEL.name]: name };
    const { items } = await listObjects(cluster, REPLICA_SETS, { labels }, { schema: ReplicaSet, signal });
    for (const { metadata } of items) {
      const { uid } = metadata;
      await deleteObject(cluster, REPLICA_SETS, metadata, { propagation: "Foreground", uid, signal });
    }
    return items;
  }

  /** Deletes the policies of environments that have no deployments any more; of all, or of one. */
  async sweepPolicies(only: KubeObject | undefined, signal: AbortSignal): Promise<void> {
    const { cluster, log, settings } = this.#options;
    const labels = deploymentSelection(settings);
    if (only !== undefined) labels[LABEL.environment] = only.metadata.labels[LABEL.environment] ?? "";
    const { items } = await listObjects(cluster, NETWORK_POLICIES, { labels }, { schema: AnyObject, signal });
    for (const policy of items) {
      await this.#environments.run(environmentKeyOf(policy), async () => {
        const { namespace } = policy.metadata;
        const environment = policy.metadata.labels[LABEL.environment] ?? "";
        const used = await listObjects(
          cluster,
          REPLICA_SETS,
          { namespace, labels: { ...deploymentSelection(settings), [LABEL.environment]: environment } },
          { schema: AnyObject, signal },
        );
        if (used.items.length > 0) return;
        const { uid } = policy.metadata;
        await deleteObject(cluster, NETWORK_POLICIES, policy.metadata, {
          propagation: "Background",
          uid,
          signal,
        });
      }).catch((error: unknown) => {
        signal.throwIfAborted();
        // It does no harm, and the next removal or start of the agent tries again.
        log.warn("network policy not removed", { policy: policy.metadata.name, error: describeError(error) });
      });
    }
  }

  async #write(
    desired: DesiredDeployment,
    { known, move }: { readonly known: ReplicaSet | undefined; readonly move: MoveExtent },
    signal: AbortSignal,
  ): Promise<PlacementResult> {
    const { settings } = this.#options;
    if (!this.#hasPolicy(desired)) {
      await this.#policyWrites.run(environmentKey(desired), () => this.#writePolicy(desired, signal));
    }
    let revision: string | undefined;
    if (Object.keys(desired.env).length > 0) {
      const owner = known ?? await this.#writeSet(desired, { replicas: 0, revision: "none" }, signal);
      revision = await this.#writeVariables(desired, owner, signal);
    }
    const placement = { replicas: desired.replicas + move.surge, revision };
    const set = await this.#writeSet(desired, placement, signal);
    await this.#writeBudget(desired, set, move, signal);
    const marks = {
      specHash: specHash(desired, revision, settings),
      settingsHash: settingsHash(desired, placement, settings),
    };
    const { uid, generation } = set.metadata;
    this.#applied.set(desired.name, { desired, uid, generation, ...marks, ...move });
    return { kind: "placed", ...marks, set };
  }

  async #writeSet(
    desired: DesiredDeployment,
    placement: { readonly replicas: number; readonly revision: string | undefined },
    signal: AbortSignal,
  ): Promise<ReplicaSet> {
    const { cluster, sets, settings } = this.#options;
    const manifest = replicaSet(desired, placement, settings);
    const set = await applyObject(cluster, REPLICA_SETS, manifest, {
      fieldManager: FIELD_MANAGER,
      schema: ReplicaSet,
      signal,
    });
    sets.put(set);
    return set;
  }

  async #writeBudget(
    desired: DesiredDeployment,
    owner: KubeObject,
    { isRelaxed }: MoveExtent,
    signal: AbortSignal,
  ): Promise<void> {
    const { cluster, settings } = this.#options;
    const manifest = disruptionBudget(desired, owner.metadata, { isRelaxed, settings });
    const options = { fieldManager: FIELD_MANAGER, schema: AnyObject, signal };
    await applyObject(cluster, DISRUPTION_BUDGETS, manifest, options);
  }

  /** Returns a mark that changes whenever a value does, and reveals nothing about it. */
  async #writeVariables(
    desired: DesiredDeployment,
    owner: KubeObject,
    signal: AbortSignal,
  ): Promise<string> {
    const { cluster, settings } = this.#options;
    const manifest = variablesSecret(desired, owner.metadata, settings);
    const options = { schema: AnyObject, signal };
    const secret = await applyObject(cluster, SECRETS, manifest, { fieldManager: FIELD_MANAGER, ...options });
    const digest = variablesDigest(desired);
    const { annotations } = secret.metadata;
    const known = annotations[ANNOTATION.revision];
    if (known !== undefined && annotations[ANNOTATION.digest] === digest) return known;
    const revision = newDnsName(REVISION_LENGTH);
    const marks = variablesRevision(desired, { digest, revision });
    await applyObject(cluster, SECRETS, marks, { fieldManager: REVISION_MANAGER, ...options });
    return revision;
  }

  async #writePolicy(desired: DesiredDeployment, signal: AbortSignal): Promise<void> {
    if (this.#hasPolicy(desired)) return;
    const { cluster, policies, settings } = this.#options;
    const options = { fieldManager: FIELD_MANAGER, schema: AnyObject, signal };
    const policy = await applyObject(cluster, NETWORK_POLICIES, networkPolicy(desired, settings), options);
    policies.put(policy);
    const { generation, uid } = policy.metadata;
    this.#policies.set(keyOf(policy), { uid, generation });
  }

  /** True if the environment's policy is there as it was written. */
  #hasPolicy(desired: DesiredDeployment): boolean {
    const written = this.#policies.get(this.#policyKey(desired));
    const policy = this.#policyOf(desired);
    return written !== undefined && policy !== undefined && isSame(policy, written);
  }

  #policyOf(desired: DesiredDeployment): KubeObject | undefined {
    const name = policyName(desired.environmentId, this.#options.settings);
    return this.#options.policies.get({ namespace: namespaceOf(desired), name });
  }

  #policyKey(desired: DesiredDeployment): string {
    return `${namespaceOf(desired)}/${policyName(desired.environmentId, this.#options.settings)}`;
  }

  /** The object of a deployment that another writer has changed since it was written; not one that was deleted. */
  #foreignWrite(
    desired: DesiredDeployment,
    set: ReplicaSet | undefined,
    applied: Applied,
  ): ForeignWrite | undefined {
    if (set !== undefined && set.metadata.uid === applied.uid && !isSame(set, applied)) {
      const managers = set.metadata.managedFields.map(({ manager }) => manager);
      const writers = [...new Set(managers)].filter((each) => !OWN_WRITERS.has(each));
      return { kind: "ReplicaSet", ...set.metadata, generation: set.metadata.generation, writers };
    }
    const policy = this.#policyOf(desired);
    const written = this.#policies.get(this.#policyKey(desired));
    if (policy === undefined || written?.uid !== policy.metadata.uid || isSame(policy, written)) {
      return undefined;
    }
    return { kind: "NetworkPolicy", ...policy.metadata, generation: policy.metadata.generation, writers: [] };
  }
}

function marksOf({ settingsHash, specHash }: PodMarks): PodMarks {
  return { settingsHash, specHash };
}

function isSame(
  { metadata }: KubeObject,
  written: { readonly uid: string; readonly generation: number | undefined },
): boolean {
  return metadata.uid === written.uid && metadata.generation === written.generation;
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function environmentKey(desired: DesiredDeployment): string {
  return `${namespaceOf(desired)}/${desired.environmentId}`;
}

function environmentKeyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace}/${metadata.labels[LABEL.environment] ?? ""}`;
}
