import type { Clock } from "../../../../../pkg/clock/mod.ts";
import { type Container, type Engine, stopContainer } from "../../../../../pkg/docker/mod.ts";
import { describeError } from "../../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import type { DesiredDeployment, DesiredTask } from "../../deployment/desired.ts";
import { taskEnd, type TaskPart } from "../../deployment/task_end.ts";
import type { Instance } from "../port.ts";
import { containerName, LABEL } from "./container_manifest.ts";
import type { Histories } from "./exits.ts";
import { lastLinesOf } from "./observe.ts";
import type { Starter } from "./starter.ts";
import type { ContainerFacts } from "./status.ts";

export interface TaskRunnerOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  readonly histories: Histories;
  readonly starter: Pick<Starter, "run">;
  readonly stopGraceSeconds: number;
}

/** The states of a deployment's tasks, and when to look again without a change, in milliseconds. */
export interface ObservedTasks {
  readonly instances: readonly Instance[];
  readonly again: readonly number[];
}

/** The only run of a task. */
interface Run {
  /** Read once, at its end. */
  lines?: readonly string[];
}

const MIB = 1024 * 1024;

/** Commands that run once, each in a container of its own, which stays until the control plane wants the task no more. */
export class TaskRunner {
  readonly #options: TaskRunnerOptions;
  /** Tasks that have run, by deployment and name: they are never started a second time. */
  readonly #runs = new Map<string, Map<string, Run>>();
  /** Containers that are being stopped at their limit, by id. */
  readonly #stopping = new Map<string, Promise<void>>();

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
  }

  /** True if a container has to be made, which needs the image. */
  wantsImage(desired: DesiredDeployment, found: readonly Container[]): boolean {
    return desired.tasks.some((task) => this.#isNew(desired, task, found));
  }

  /** Makes and starts what has not run yet. Returns when to try again, in milliseconds, where the engine refused. */
  async start(
    desired: DesiredDeployment,
    found: readonly Container[],
    { hasImage }: { readonly hasImage: boolean },
    signal: AbortSignal,
  ): Promise<readonly number[]> {
    if (desired.tasks.length === 0) this.forget(desired.name);
    const again: number[] = [];
    for (const task of desired.tasks) {
      const container = containerOf(desired, task, found);
      if (container === undefined && (!hasImage || !this.#isNew(desired, task, found))) continue;
      // One that has ended is never started a second time.
      if (container !== undefined && container.state.status !== "created") continue;
      const action = container === undefined
        ? { kind: "create", ordinal: 0, task } as const
        : { kind: "start", ordinal: 0, id: container.id, task } as const;
      const waitMs = await this.#options.starter.run(action, desired, signal);
      if (waitMs !== undefined) again.push(waitMs);
    }
    return again;
  }

  /** Reports each task; one that has run for too long is stopped. */
  async observe(
    desired: DesiredDeployment,
    found: readonly Container[],
    pull: ContainerFacts["pull"],
    signal: AbortSignal,
  ): Promise<ObservedTasks> {
    const instances: Instance[] = [];
    const again: number[] = [];
    for (const task of desired.tasks) {
      const container = containerOf(desired, task, found);
      const base = baseOf(desired, task, container);
      if (container === undefined || container.state.status === "created") {
        instances.push({ ...base, ...this.#unstarted(desired, task, pull) });
        continue;
      }
      const run = this.#runOf(desired, task);
      if (container.state.status === "exited" || container.state.status === "dead") {
        instances.push({ ...base, ...await this.#ended(task, container, run, signal) });
        continue;
      }
      const leftMs = Date.parse(container.state.startedAt) + task.timeoutSeconds * 1_000 -
        this.#options.clock.now();
      if (leftMs > 0) again.push(leftMs);
      else this.#stop(desired, container, signal);
      instances.push({ ...base, status: "running", reason: "", message: "" });
    }
    return { instances, again };
  }

  /** The deployment is gone. */
  forget(deployment: string): void {
    this.#runs.delete(deployment);
  }

  /** Waits for the stops that were begun. */
  async close(): Promise<void> {
    await Promise.all(this.#stopping.values());
  }

  #isNew(desired: DesiredDeployment, task: DesiredTask, found: readonly Container[]): boolean {
    return containerOf(desired, task, found) === undefined && !this.#hasRun(desired, task);
  }

  #hasRun({ name }: DesiredDeployment, task: DesiredTask): boolean {
    return task.isStarted || this.#runs.get(name)?.has(task.name) === true;
  }

  #runOf({ name }: DesiredDeployment, task: DesiredTask): Run {
    const runs = this.#runs.get(name) ?? new Map<string, Run>();
    const run = runs.get(task.name) ?? {};
    this.#runs.set(name, runs.set(task.name, run));
    return run;
  }

  #unstarted(
    desired: DesiredDeployment,
    task: DesiredTask,
    pull: ContainerFacts["pull"],
  ): Pick<Instance, "status" | "reason" | "message"> {
    const { lastExit, startTrouble } = this.#options.histories.of(containerName(desired.name, task.name));
    if (this.#hasRun(desired, task)) {
      const why = lastExit?.stoppedBecause;
      const message = why === undefined ? "Its container was removed." : `It was stopped because ${why}.`;
      return { status: "failed", reason: "lost", message };
    }
    if (pull.kind === "failed") return { status: "failed", reason: "image_pull", message: pull.message };
    if (pull.kind === "pulling") {
      return { status: "pending", reason: "image_pulling", message: "The image is being pulled." };
    }
    if (startTrouble === undefined) return { status: "pending", reason: "creating", message: "" };
    const { reason, message } = startTrouble;
    return { status: reason === "crash_loop" ? "failed" : "pending", reason, message };
  }

  async #ended(task: DesiredTask, container: Container, run: Run, signal: AbortSignal): Promise<TaskPart> {
    const { engine, histories } = this.#options;
    const { id, limits, name, state } = container;
    const lines = run.lines ?? await lastLinesOf(engine, id, signal);
    run.lines = lines;
    const ranMs = Date.parse(state.finishedAt) - Date.parse(state.startedAt);
    return taskEnd({
      exitCode: state.exitCode,
      isOutOfMemory: state.oomKilled || histories.of(name).lastExit?.oomKilled === true,
      isTimedOut: ranMs >= task.timeoutSeconds * 1_000,
      memoryMib: Math.round(limits.memoryBytes / MIB),
      lines,
    });
  }

  /** Without a wait: its end is an event. What ignores its signal is killed after the time to stop. */
  #stop({ stopSeconds }: DesiredDeployment, { id, name }: Container, signal: AbortSignal): void {
    if (this.#stopping.has(id)) return;
    const { engine, log, stopGraceSeconds } = this.#options;
    log.info("task stopped at its time limit", { instance: name });
    const stopped = stopContainer(engine, id, stopSeconds || stopGraceSeconds, signal)
      .catch((error: unknown) => {
        if (!signal.aborted) log.warn("task not stopped", { instance: name, error: describeError(error) });
      }).finally(() => this.#stopping.delete(id));
    this.#stopping.set(id, stopped);
  }
}

/** True for a container that runs a task which is wanted. */
export function isWantedTask({ tasks }: DesiredDeployment, { labels }: Pick<Container, "labels">): boolean {
  return tasks.some(({ name }) => name === labels[LABEL.task]);
}

function containerOf(
  { name }: DesiredDeployment,
  task: DesiredTask,
  found: readonly Container[],
): Container | undefined {
  return found.find((each) => each.name === containerName(name, task.name));
}

function baseOf(desired: DesiredDeployment, { name: task }: DesiredTask, container: Container | undefined) {
  return {
    name: containerName(desired.name, task),
    task,
    address: "",
    cpuMillicores: container?.limits.cpuMillicores ?? 0,
    memoryMib: Math.round((container?.limits.memoryBytes ?? 0) / MIB),
    restarts: 0,
    lastLogLines: [],
  };
}
