import type { Clock } from "../../../../../pkg/clock/mod.ts";
import { Fault, publicFault } from "../../../../../pkg/fault/mod.ts";
import {
  AnyObject,
  type Cluster,
  deleteObject,
  Informer,
  type InformerOptions,
  type KubeObject,
  listObjects,
  NETWORK_POLICIES,
  type ObjectRef,
  PODS,
  REPLICA_SETS,
} from "../../../../../pkg/kube/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import type { StartTimes } from "../../deployment/start_times.ts";
import type { Limit } from "../../control/controller.ts";
import type { PodIdentity } from "../../secrets/give_variables.ts";
import type { Instance, ManagedDeployment, Observation, OutputSink, Runtime } from "../port.ts";
import { BusyNodes } from "./busy_nodes.ts";
import { ANNOTATION, deploymentSelection, LABEL, namespaceOf } from "./labels.ts";
import { FailingChecks } from "./failing_checks.ts";
import { identifyPod } from "./identify_pod.ts";
import { isUserRefused } from "./image_user.ts";
import { FirstToGo } from "./mark_pod.ts";
import { leavingRefusal } from "./leaving_pods.ts";
import { Moves } from "./moves.ts";
import { Nodes } from "./nodes.ts";
import { Notes } from "./notes.ts";
import { Pod, ReplicaSet } from "./objects.ts";
import { OutputFollowers } from "./output_followers.ts";
import { type MoveExtent, type PlacementResult, Placer, type PodMarks } from "./placer.ts";
import { podUsage } from "./pod_usage.ts";
import { PodObserver } from "./pod_observer.ts";
import { type PodState, podsToDelete } from "./plan.ts";
import { placementRefusal, type Refusal, refusedInstance } from "./refusals.ts";
import { RefusedSets } from "./refused_sets.ts";
import { probeProblem } from "./probes.ts";
import type { KubernetesSettings } from "./settings.ts";
import { appStatus, isFinished, isRunning, isTerminating, restartDueMs } from "./status.ts";
import { isTask } from "./task_pod.ts";
import { PodTasks } from "./tasks.ts";
import { untilListed } from "./until_listed.ts";

export interface KubernetesRuntimeOptions {
  readonly cluster: Cluster;
  readonly settings: KubernetesSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sink: OutputSink;
  readonly times: StartTimes;
}

/** Beyond the pods' own time to end. */
const REMOVAL_SPARE_MS = 20_000;
const REMOVAL_POLL_MS = 200;
const LEAVING_AGAIN_MS = 2_000;
const BROKEN_AGAIN_MS = 10_000;

/** The cluster does not take what pods are made from. */
interface RefusedPlacement {
  readonly kind: "refused";
  readonly refusal: Refusal;
  readonly error: unknown;
}

/** Deployments as ReplicaSets of one Kubernetes cluster. */
export class KubernetesRuntime implements Runtime {
  readonly #options: KubernetesRuntimeOptions;
  readonly #pods: Informer<Pod>;
  readonly #sets: Informer<ReplicaSet>;
  readonly #policies: Informer<KubeObject>;
  readonly #nodes: Nodes;
  readonly #moves: Moves;
  readonly #firstToGo: FirstToGo;
  readonly #placer: Placer;
  readonly #observer: PodObserver;
  readonly #checks: FailingChecks;
  readonly #refused: RefusedSets;
  readonly #notes: Notes;
  readonly #tasks: PodTasks;
  readonly #followers: OutputFollowers;
  #onChange: (name: string | undefined) => void = () => undefined;

  constructor(options: KubernetesRuntimeOptions) {
    const { cluster, settings, log } = options;
    this.#options = options;
    const report = (object: KubeObject): void => this.#onChange(object.metadata.labels[LABEL.name]);
    this.#pods = this.#informer({
      resource: PODS,
      schema: Pod,
      groupOf: nameOf,
      onChange: (pod) => this.#podChanged(pod),
    });
    this.#sets = this.#informer({ resource: REPLICA_SETS, schema: ReplicaSet, onChange: report });
    this.#policies = this.#informer({
      resource: NETWORK_POLICIES,
      schema: AnyObject,
      onChange: (policy) => this.#policyChanged(policy),
    });
    this.#nodes = new Nodes({
      ...{ clock: options.clock, cluster, log, drainTaints: settings.drainTaints },
      onDrain: (nodeName) => {
        for (const pod of this.#pods.all()) if (pod.spec.nodeName === nodeName) report(pod);
      },
    });
    this.#moves = new Moves({
      ...{ log, clock: options.clock },
      isDraining: (nodeName) => this.#nodes.isDraining(nodeName),
      waitMs: settings.drainWaitSeconds * 1_000,
    });
    this.#firstToGo = new FirstToGo({ cluster, log });
    this.#placer = new Placer({
      cluster,
      settings,
      clock: options.clock,
      log,
      sets: this.#sets,
      policies: this.#policies,
    });
    this.#refused = new RefusedSets(options);
    this.#notes = new Notes(options.sink, options.clock);
    this.#tasks = new PodTasks(options);
    const platformOf = (nodeName: string): string | undefined => this.#nodes.platformOf(nodeName);
    this.#checks = new FailingChecks({ ...options, onFailure: (ref) => this.#checkFailed(ref) });
    this.#observer = new PodObserver({ ...options, notes: this.#notes, checks: this.#checks, platformOf });
    const busyNodes = new BusyNodes(() => this.#pods.all(), options.clock);
    this.#followers = new OutputFollowers({ ...options, isBusy: (nodeName) => busyNodes.has(nodeName) });
  }

  async reconcile(desired: DesiredDeployment, signal: AbortSignal): Promise<Observation> {
    const problem = probeProblem(desired.healthCheck);
    if (problem !== undefined) throw publicFault("invalid_argument", problem);
    await this.#listed(signal);
    const move = this.#moves.of(desired, this.#podsOf(desired));
    for (const pod of move.released) await this.#firstToGo.mark(pod, signal);
    const placed = await this.#place(desired, move, signal);
    if (placed.kind === "refused") return await this.#observeRefused(desired, placed, signal);
    const pods = this.#pods.group(desired.name).filter((pod) => isOwned(pod, placed.set));
    if (placed.kind === "leaving") {
      const refusal = leavingRefusal(pods);
      return { instances: [refusedInstance(desired.name, refusal)], againMs: LEAVING_AGAIN_MS };
    }
    const nowMs = this.#options.clock.now();
    const doomed = podsToDelete(desired.replicas, pods.map((pod) => toPodState(pod, placed, nowMs)));
    for (const pod of doomed) {
      await this.#deletePod({ ...pod, namespace: placed.set.metadata.namespace }, signal);
    }
    const again = [placed.againMs, move.againMs].filter((each) => each !== undefined);
    const refused = pods.length < desired.replicas ? await this.#refused.of(placed.set, signal) : undefined;
    if (refused !== undefined) again.push(refused.againMs);
    this.#notes.refusal(desired, refused?.refusal);
    const instances: Instance[] = refused === undefined
      ? []
      : [refusedInstance(desired.name, refused.refusal)];
    instances.push(...await this.#observer.observe(desired, pods, again, signal));
    const call = { desired, owner: placed.set, pods: this.#pods.group(desired.name) };
    instances.push(...await this.#tasks.run(call, again, signal));
    if (pods.some(lacksConfig)) {
      // Its Secret was deleted by another client: all objects are written again, but not all the time.
      this.#placer.forget(desired.name);
      again.push(BROKEN_AGAIN_MS);
    }
    instances.sort((a, b) => a.name < b.name ? -1 : 1);
    return { instances, ...(again.length === 0 ? {} : { againMs: Math.min(...again) }) };
  }

  /** The refusal of the cluster to take the objects of a deployment, or the outcome of placing it. */
  async #place(
    desired: DesiredDeployment,
    { isRelaxed, surge }: MoveExtent,
    signal: AbortSignal,
  ): Promise<PlacementResult | RefusedPlacement> {
    try {
      return await this.#placer.place(desired, { isRelaxed, surge }, signal);
    } catch (error) {
      signal.throwIfAborted();
      const refusal = placementRefusal(error);
      if (refusal === undefined) throw error;
      return { kind: "refused", refusal, error };
    }
  }

  /** Pods that run go on, and are reported beside the refusal. */
  async #observeRefused(
    desired: DesiredDeployment,
    { refusal, error }: RefusedPlacement,
    signal: AbortSignal,
  ): Promise<Observation> {
    this.#notes.refusal(desired, refusal);
    const instances = await this.#observer.observe(desired, this.#podsOf(desired), [], signal);
    return { instances: [refusedInstance(desired.name, refusal), ...instances], failure: error };
  }

  async #deletePod(pod: ObjectRef & { readonly uid: string }, signal: AbortSignal): Promise<void> {
    const { uid } = pod;
    await deleteObject(this.#options.cluster, PODS, pod, { propagation: "Background", uid, signal });
  }

  async remove(name: string, signal: AbortSignal, limit: Limit): Promise<void> {
    this.#refused.forget(name);
    this.#notes.forget(name);
    this.#tasks.forget(name);
    const { clock, settings } = this.#options;
    await this.#listed(signal);
    this.#moves.forget(name);
    const graceSeconds = this.#pods.group(name).map(({ spec }) => spec.terminationGracePeriodSeconds ?? 0);
    const sets = await limit(() => this.#placer.delete(name, signal));
    // An app may have a longer time of its own to end than the operator gives.
    const graceMs = 1_000 * Math.max(settings.stopGraceSeconds, ...graceSeconds);
    const limitMs = settings.drainMs + graceMs + REMOVAL_SPARE_MS;
    const deadline = clock.now() + limitMs;
    while (this.#isThere(name)) {
      if (clock.now() > deadline) {
        const pods = this.#pods.group(name).map((pod) => `${pod.metadata.name} on ${pod.spec.nodeName}`);
        throw new Fault("deadline_exceeded", `after ${limitMs} ms there still is: ${pods.join(", ")}`);
      }
      await clock.sleep(REMOVAL_POLL_MS, signal);
    }
    for (const set of sets) await limit(() => this.#placer.sweepPolicies(set, signal));
  }

  async managed(signal: AbortSignal): Promise<ManagedDeployment[]> {
    const { cluster, settings } = this.#options;
    const selection = { labels: deploymentSelection(settings) };
    const { items } = await listObjects(cluster, REPLICA_SETS, selection, { schema: AnyObject, signal });
    return items.map(({ metadata }) => ({
      name: metadata.labels[LABEL.name] ?? metadata.name,
      deploymentId: metadata.labels[LABEL.deployment] ?? "",
    }));
  }

  /**
   * Nothing: the values of variables are in Secrets, which the agent may write and not read, so that a snapshot has to
   * come. Until then Kubernetes itself keeps what runs running.
   */
  async recover(signal: AbortSignal): Promise<DesiredDeployment[]> {
    await this.#placer.sweepPolicies(undefined, signal);
    return [];
  }

  usage: NonNullable<Runtime["usage"]> = (deployments, signal) =>
    podUsage(this.#options.cluster, deployments, signal);

  async watch(onChange: (name: string | undefined) => void, signal: AbortSignal): Promise<void> {
    this.#onChange = onChange;
    try {
      const informers = [this.#pods, this.#sets, this.#policies, this.#nodes, this.#checks];
      await Promise.all(informers.map((each) => each.run(signal)));
    } finally {
      this.#onChange = () => undefined;
      await this.#followers.close();
    }
  }

  /** The deployment whose running pod a token was made for, or `undefined` when it proves nothing of the kind. */
  identify(token: string, signal: AbortSignal): Promise<PodIdentity | undefined> {
    const { cluster, settings } = this.#options;
    const findSet = (ref: ObjectRef): ReplicaSet | undefined => this.#sets.get(ref);
    return identifyPod({ cluster, settings, findSet }, token, signal);
  }

  #informer<T extends KubeObject>(
    options: Pick<InformerOptions<T>, "resource" | "schema" | "groupOf" | "onChange">,
  ): Informer<T> {
    const { cluster, clock, log, settings } = this.#options;
    const selection = { labels: deploymentSelection(settings) };
    return new Informer({ cluster, clock, log, selection, ...options });
  }

  #listed(signal: AbortSignal): Promise<void> {
    return untilListed([this.#pods, this.#sets, this.#policies], this.#options.clock, signal);
  }

  #isThere(name: string): boolean {
    // A set that is deleted stays until its pods have ended.
    for (const set of this.#sets.all()) if (nameOf(set) === name) return true;
    return false;
  }

  #podChanged(pod: Pod): void {
    const { namespace, name, uid } = pod.metadata;
    const known = this.#pods.get({ namespace, name });
    this.#observer.saw(pod);
    if (known?.metadata.uid === uid) this.#followers.ensure(pod);
    else {
      this.#observer.forget(pod);
      this.#tasks.gone(pod);
      for (const refused of this.#refused.madeRoom(namespace)) this.#onChange(refused);
      this.#followers.forget(pod);
    }
    this.#onChange(nameOf(pod));
  }

  #checkFailed(ref: ObjectRef): void {
    const pod = this.#pods.get(ref);
    if (pod !== undefined) this.#onChange(nameOf(pod));
  }

  /** The pods of a deployment's ReplicaSet. */
  #podsOf(desired: DesiredDeployment): Pod[] {
    const set = this.#sets.get({ namespace: namespaceOf(desired), name: desired.name });
    return set === undefined ? [] : this.#pods.group(desired.name).filter((pod) => isOwned(pod, set));
  }

  /** Another client may have changed it: the deployments of its environment are reconciled. */
  #policyChanged(policy: KubeObject): void {
    const environment = policy.metadata.labels[LABEL.environment];
    for (const set of this.#sets.all()) {
      if (set.metadata.labels[LABEL.environment] === environment) this.#onChange(nameOf(set));
    }
  }
}

function nameOf({ metadata }: KubeObject): string | undefined {
  return metadata.labels[LABEL.name];
}

/** An instance of the app. Users may give the same labels to a pod of their own, to debug an app for instance. */
function isOwned(pod: Pod, set: ReplicaSet): boolean {
  return !isTask(pod) && pod.metadata.ownerReferences.some((each) => each.uid === set.metadata.uid);
}

function toPodState(pod: Pod, { specHash, settingsHash }: PodMarks, nowMs: number): PodState {
  const { annotations } = pod.metadata;
  // The settings of the operator change no pod that runs, but may be what keeps this one from starting.
  const isStuck = pod.status.phase === "Pending";
  const isCurrent = annotations[ANNOTATION.specHash] === specHash &&
    (!isStuck || annotations[ANNOTATION.settings] === settingsHash);
  return {
    name: pod.metadata.name,
    uid: pod.metadata.uid,
    createdAt: Date.parse(pod.metadata.creationTimestamp) || 0,
    // A new pod starts at once, where this one would wait for minutes.
    current: isCurrent && restartDueMs(pod, nowMs) !== 0,
    running: isRunning(pod),
    finished: isFinished(pod),
    terminating: isTerminating(pod),
  };
}

function lacksConfig(pod: Pod): boolean {
  const waiting = appStatus(pod)?.state.waiting;
  return waiting?.reason === "CreateContainerConfigError" && !isUserRefused(waiting.message);
}
