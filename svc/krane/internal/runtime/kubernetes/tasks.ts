import type { Clock } from "../../../../../pkg/clock/mod.ts";
import { isFault } from "../../../../../pkg/fault/mod.ts";
import {
  type Cluster,
  createObject,
  deleteObject,
  type KubeObject,
  PODS,
} from "../../../../../pkg/kube/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import type { DesiredDeployment, DesiredTask } from "../../deployment/desired.ts";
import { taskEnd } from "../../deployment/task_end.ts";
import type { Instance } from "../port.ts";
import { LABEL } from "./labels.ts";
import { LastLines } from "./last_lines.ts";
import { mebibytes, Pod } from "./objects.ts";
import { placementRefusal } from "./refusals.ts";
import { CONTAINER } from "./replica_set.ts";
import type { KubernetesSettings } from "./settings.ts";
import { appStatus, derivePod, isTerminating, START_REFUSED } from "./status.ts";
import { isTask, taskPod, taskPodName } from "./task_pod.ts";

export interface PodTasksOptions {
  readonly cluster: Cluster;
  readonly settings: KubernetesSettings;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The deployment, the set that owns the pods of its tasks, and all its pods. */
export interface TaskCall {
  readonly desired: DesiredDeployment;
  readonly owner: KubeObject;
  readonly pods: readonly Pod[];
}

const OOM = "OOMKilled";
const REFUSED_AGAIN_MS = 10_000;
/** A pod that was made is in the watch after so long at most; without it there the pod is gone. */
const SEEN_MS_MAX = 10_000;

/** The only run of a task. */
interface Run {
  readonly madeAtMs: number;
  /** Its pod was in the watch. */
  isSeen: boolean;
  isTimedOut: boolean;
}

/** Commands that run once, each in a pod of its own, which stays until the control plane wants the task no more. */
export class PodTasks {
  readonly #options: PodTasksOptions;
  readonly #lines: LastLines;
  /** By deployment and name of the task. */
  readonly #runs = new Map<string, Map<string, Run>>();

  constructor(options: PodTasksOptions) {
    this.#options = options;
    this.#lines = new LastLines(options.cluster, options.clock);
  }

  /** Makes what has not run yet, removes what is not wanted, and reports each task. Adds to `again`, in milliseconds. */
  async run(
    { desired, owner, pods: all }: TaskCall,
    again: number[],
    signal: AbortSignal,
  ): Promise<Instance[]> {
    const pods = all.filter((each) => isTask(each) && isOwned(each, owner));
    await this.#removeOthers(desired, pods, signal);
    const instances: Instance[] = [];
    for (const task of desired.tasks) {
      const pod = pods.find((each) => each.metadata.labels[LABEL.task] === task.name);
      instances.push(
        pod === undefined
          ? await this.#make({ desired, owner, task }, again, signal)
          : await this.#observe(desired, { task, pod }, again, signal),
      );
    }
    return instances;
  }

  /** The deployment is gone. */
  forget(deployment: string): void {
    this.#runs.delete(deployment);
  }

  /** A pod is gone. */
  gone(pod: Pod): void {
    this.#lines.forget(pod);
  }

  async #removeOthers(
    { name, tasks }: DesiredDeployment,
    pods: readonly Pod[],
    signal: AbortSignal,
  ): Promise<void> {
    if (tasks.length === 0) this.forget(name);
    for (const pod of pods) {
      if (isTerminating(pod)) continue;
      if (!tasks.some((each) => each.name === pod.metadata.labels[LABEL.task])) {
        await this.#delete(pod, signal);
      }
    }
  }

  async #make(
    { desired, owner, task }: {
      readonly desired: DesiredDeployment;
      readonly owner: KubeObject;
      readonly task: DesiredTask;
    },
    again: number[],
    signal: AbortSignal,
  ): Promise<Instance> {
    const { clock, cluster, settings } = this.#options;
    const base = baseOf(desired, task);
    const run = this.#runs.get(desired.name)?.get(task.name);
    const isAwaited = run?.isSeen === false && clock.now() - run.madeAtMs < SEEN_MS_MAX;
    if (run?.isTimedOut === true) return { ...base, ...timedOut([]), exitCode: 137 };
    if (task.isStarted || (run !== undefined && !isAwaited)) {
      return { ...base, status: "failed", reason: "lost", message: "Its pod was removed." };
    }
    const creating = { ...base, status: "pending", reason: "creating", message: "" } as const;
    if (run !== undefined) {
      again.push(SEEN_MS_MAX);
      return creating;
    }
    try {
      const manifest = taskPod(desired, task, { owner: owner.metadata, settings });
      await createObject(cluster, PODS, manifest, { schema: Pod, signal });
    } catch (error) {
      const refusal = isFault(error, "already_exists") ? undefined : placementRefusal(error);
      if (refusal === undefined && !isFault(error, "already_exists")) throw error;
      if (refusal !== undefined) {
        again.push(REFUSED_AGAIN_MS);
        return { ...base, status: "pending", ...refusal };
      }
    }
    this.#remember(desired, task, { madeAtMs: clock.now(), isSeen: false, isTimedOut: false });
    again.push(SEEN_MS_MAX);
    return creating;
  }

  async #observe(
    desired: DesiredDeployment,
    { task, pod }: { readonly task: DesiredTask; readonly pod: Pod },
    again: number[],
    signal: AbortSignal,
  ): Promise<Instance> {
    const { clock } = this.#options;
    const run = this.#runs.get(desired.name)?.get(task.name) ??
      { madeAtMs: clock.now(), isSeen: true, isTimedOut: false };
    run.isSeen = true;
    this.#remember(desired, task, run);
    const base = { ...baseOf(desired, task), name: pod.metadata.name };
    const { running, terminated } = appStatus(pod)?.state ?? {};
    if (terminated !== undefined && START_REFUSED.has(terminated.reason)) {
      const message = `The container cannot be started: ${terminated.message}`;
      return { ...base, status: "failed", reason: "crash_loop", message };
    }
    if (terminated !== undefined) {
      const lines = await this.#lines.of(pod, signal);
      const limits = pod.spec.containers.find((each) => each.name === CONTAINER)?.resources.limits ?? {};
      const end = {
        exitCode: terminated.exitCode,
        isOutOfMemory: terminated.reason === OOM,
        isTimedOut: run.isTimedOut,
        memoryMib: mebibytes(limits["memory"]),
        lines,
      };
      return { ...base, ...taskEnd(end) };
    }
    if (running !== undefined) {
      const leftMs = Date.parse(running.startedAt) + task.timeoutSeconds * 1_000 - clock.now();
      if (leftMs > 0) again.push(leftMs);
      else await this.#stop(run, pod, signal);
      return { ...base, status: "running", reason: "", message: "" };
    }
    return { ...base, ...this.#unstarted(desired, pod, again) };
  }

  #unstarted(
    { healthCheck, port }: DesiredDeployment,
    pod: Pod,
    again: number[],
  ): Pick<Instance, "status" | "reason" | "message"> {
    const facts = { pod, port, healthCheck, lastLines: [], nowMs: this.#options.clock.now(), isLast: false };
    const { instance: { status, reason, message }, againMs } = derivePod(facts);
    if (againMs !== undefined) again.push(againMs);
    return { status, reason, message };
  }

  /** Its container gets its signal, and is killed after its time to stop. */
  async #stop(run: Run, pod: Pod, signal: AbortSignal): Promise<void> {
    if (isTerminating(pod)) return;
    run.isTimedOut = true;
    this.#options.log.info("task stopped at its time limit", { instance: pod.metadata.name });
    await this.#delete(pod, signal);
  }

  async #delete(pod: Pod, signal: AbortSignal): Promise<void> {
    const { uid } = pod.metadata;
    await deleteObject(this.#options.cluster, PODS, pod.metadata, { propagation: "Background", uid, signal });
  }

  #remember({ name }: DesiredDeployment, task: DesiredTask, run: Run): void {
    const runs = this.#runs.get(name) ?? new Map<string, Run>();
    this.#runs.set(name, runs.set(task.name, run));
  }
}

function baseOf(desired: DesiredDeployment, task: DesiredTask) {
  return {
    name: taskPodName(desired, task),
    task: task.name,
    address: "",
    cpuMillicores: 0,
    memoryMib: 0,
    restarts: 0,
    lastLogLines: [],
  };
}

/** Users may give the same labels to a pod of their own. */
function isOwned(pod: Pod, owner: KubeObject): boolean {
  return pod.metadata.ownerReferences.some((each) => each.uid === owner.metadata.uid);
}

function timedOut(lines: readonly string[]) {
  return taskEnd({ exitCode: 137, isOutOfMemory: false, isTimedOut: true, memoryMib: 0, lines });
}
