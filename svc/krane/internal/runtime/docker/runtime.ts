import {
  type Container,
  containerEvents,
  fullReference,
  inspectContainer,
  inspectImage,
  listContainers,
  pullImage,
  removeContainer,
  stopContainer,
} from "../../../../../pkg/docker/mod.ts";
import { describeError } from "../../../../../pkg/fault/mod.ts";
import { backoffMs } from "../../../../../pkg/retry/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import type { Limit } from "../../control/controller.ts";
import type { InstanceUsage, ManagedDeployment, Observation, Runtime } from "../port.ts";
import {
  containerName,
  deploymentOf,
  LABEL,
  ownLabels,
  recoverDesired,
  specHash,
  toContainerState,
} from "./container_manifest.ts";
import { CpuUsage } from "./cpu_usage.ts";
import { CHANGES, Histories } from "./exits.ts";
import { DiskWatch } from "./disk_watch.ts";
import { HostPorts } from "./host_ports.ts";
import { ImagePulls, type PullTimes } from "./image_pulls.ts";
import { observe } from "./observe.ts";
import type { DockerRuntimeOptions } from "./options.ts";
import { OutputFollowers } from "./output_followers.ts";
import { type Action, plan } from "./plan.ts";
import { CommandProber } from "./probe_command.ts";
import { Prober } from "./prober.ts";
import { UnhealthyApps } from "./unhealthy.ts";
import { Starter } from "./starter.ts";
import { isWantedTask, TaskRunner } from "./tasks.ts";

const RECONNECT_FIRST_MS = 200;
const RECONNECT_MS_MAX = 5_000;
const LAST_OUTPUT_MS = 2_000;
/** A container whose removal failed is tried again after so long. */
const LEAVE_AGAIN_MS = 5_000;

/** Deployments as containers of one Docker Engine. */
export class DockerRuntime implements Runtime {
  readonly #options: DockerRuntimeOptions;
  readonly #startedMs: number;
  readonly #histories = new Histories();
  readonly #prober: Prober;
  readonly #commands: CommandProber;
  readonly #pulls: ImagePulls;
  readonly #followers: OutputFollowers;
  readonly #usage: CpuUsage;
  readonly #starter: Starter;
  readonly #tasks: TaskRunner;
  readonly #unhealthy: UnhealthyApps;
  readonly #disk: DiskWatch;
  readonly #note = (instance: string, atMs: number, text: string): void =>
    this.#followers.note(instance, atMs, text);
  /** Containers that run but must go, and the time since which the edge knows. */
  readonly #retiring = new Map<string, number>();
  /** Aborted when the agent stops: the next one goes on. */
  readonly #closing = new AbortController();
  /** Containers that are being stopped and removed, by id. */
  readonly #leaving = new Map<string, Promise<void>>();
  /** Containers that were listed, by id. */
  readonly #known = new Set<string>();
  /** The deployments that wait for an image, by image. */
  readonly #waiting = new Map<string, Set<string>>();
  #onChange: (name: string | undefined) => void = () => undefined;

  constructor(options: DockerRuntimeOptions) {
    const { engine, clock, log, sink, hostPorts, spec } = options;
    this.#options = options;
    this.#startedMs = clock.now();
    this.#commands = new CommandProber(engine);
    this.#prober = new Prober({
      clock,
      probe: (target, signal) => this.#commands.ask(target, signal),
      onChange: (container, health) => {
        this.#unhealthy.changed(container, health);
        if (health.kind === "healthy") options.times.reached(deploymentOf(container), container, "health");
        this.#onChange(deploymentOf(container));
      },
    });
    this.#usage = new CpuUsage(engine, this.#own());
    this.#followers = new OutputFollowers({ engine, sink, clock, log });
    this.#unhealthy = new UnhealthyApps({ ...options, histories: this.#histories, note: this.#note });
    this.#disk = new DiskWatch({ ...options, histories: this.#histories, note: this.#note });
    this.#pulls = new ImagePulls({
      pull: (image, signal) => {
        const credentials = options.credentialsFor(image);
        return pullImage(engine, image, signal, credentials === undefined ? {} : { credentials });
      },
      clock,
      log,
      onChange: (image, took) => this.#pulled(image, took),
    });
    const start = crypto.getRandomValues(new Uint16Array(1))[0] ?? 0;
    const ports = new HostPorts({ ...hostPorts, address: spec.publishAddress, start });
    this.#starter = new Starter({ ...options, ports, histories: this.#histories });
    this.#tasks = new TaskRunner({ ...options, starter: this.#starter, histories: this.#histories });
  }

  async reconcile(desired: DesiredDeployment, signal: AbortSignal): Promise<Observation> {
    const before = await this.#containers(desired.name, signal);
    const apps = before.filter((each) => !isWantedTask(desired, each));
    const actions = plan(desired.replicas, specHash(desired, this.#options.spec), apps.map(toContainerState));
    const removals = actions.filter((each) => each.kind === "retire" || each.kind === "clear");
    const drainingMs = this.#retire(removals, before);
    const again: number[] = drainingMs === undefined ? [] : [drainingMs];

    const starts = actions.filter((each) => each.kind === "create" || each.kind === "start");
    const makes = starts.some((each) => each.kind === "create") || this.#tasks.wantsImage(desired, before);
    const absent = makes && !await this.#hasImage(desired, signal);
    const pull = absent ? this.#pulls.ensure(desired.image) : { kind: "idle" } as const;
    if (pull.kind === "failed") again.push(pull.againMs);
    for (const action of starts) {
      if (action.kind === "create" && absent) continue;
      if (action.kind === "create" && this.#nameIsTaken(desired.name, action.ordinal, before)) continue;
      const waitMs = await this.#starter.run(action, desired, signal);
      if (waitMs !== undefined) again.push(waitMs);
    }

    again.push(...await this.#tasks.start(desired, before, { hasImage: !absent }, signal));
    const isSame = actions.length + desired.tasks.length === 0;
    const after = isSame ? before : await this.#containers(desired.name, signal);
    const current = after.filter((each) => !this.#retiring.has(each.id));
    const deps = {
      ...this.#options,
      histories: this.#histories,
      prober: this.#prober,
      agentStartedMs: this.#startedMs,
      note: this.#note,
    };
    const observed = await observe(deps, desired, current, pull, signal);
    const { instances, containers, again: looks, isSettling } = observed;
    for (const each of current) this.#followers.ensure(each, desired.deploymentId);
    const tasks = await this.#tasks.observe(desired, current, pull, signal);
    again.push(...looks, ...this.#unhealthy.stop(desired, containers, signal), ...tasks.again);
    return {
      instances: [...instances, ...tasks.instances],
      ...(again.length === 0 ? {} : { againMs: Math.min(...again) }),
      ...(isSettling ? { isSettling } : {}),
    };
  }

  async remove(name: string, signal: AbortSignal, limit: Limit): Promise<void> {
    const containers = await limit(() => this.#containers(name, signal));
    for (const each of containers) this.#prober.forget(each.name);
    await Promise.all(containers.map(async (each) => {
      await this.#stopContainer(each, signal);
      await limit(() => this.#removeStopped(each, signal));
    }));
    for (const names of this.#waiting.values()) names.delete(name);
    this.#tasks.forget(name);
  }

  async managed(signal: AbortSignal): Promise<ManagedDeployment[]> {
    const found = new Map<string, ManagedDeployment>();
    for (const { labels } of await listContainers(this.#options.engine, this.#own(), signal)) {
      const name = labels[LABEL.name];
      if (name !== undefined) found.set(name, { name, deploymentId: labels[LABEL.deployment] ?? "" });
    }
    return [...found.values()];
  }

  async recover(signal: AbortSignal): Promise<DesiredDeployment[]> {
    const { engine } = this.#options;
    const found = new Map<string, DesiredDeployment>();
    const listed = await listContainers(engine, this.#own(), signal);
    await this.#options.ownNetwork?.recover(
      new Map(listed.map(({ name, labels }) => [labels[LABEL.address] ?? "", name])),
    );
    for (const { id } of listed) {
      const container = await inspectContainer(engine, id, signal);
      const desired = container && recoverDesired(container);
      if (desired !== undefined && !found.has(desired.name)) found.set(desired.name, desired);
    }
    return [...found.values()];
  }

  usage(deployments: readonly DesiredDeployment[], signal: AbortSignal): Promise<readonly InstanceUsage[]> {
    return this.#usage.read(deployments, signal);
  }

  async watch(onChange: (name: string | undefined) => void, signal: AbortSignal): Promise<void> {
    this.#onChange = onChange;
    const watched = this.#disk.run(signal);
    try {
      for (let failures = 0; !signal.aborted;) {
        try {
          await this.#followEvents(() => {
            failures = 0;
            // What happened before is not known: look at everything.
            onChange(undefined);
          }, signal);
        } catch (error) {
          if (signal.aborted) break;
          this.#options.log.warn("docker events lost", { error: describeError(error) });
        }
        await this.#options.clock.sleep(backoffMs(++failures, RECONNECT_FIRST_MS, RECONNECT_MS_MAX), signal)
          .catch(() => undefined);
      }
    } finally {
      this.#onChange = () => undefined;
      this.#closing.abort();
      await Promise.all([
        ...[this.#prober.close(), this.#pulls.close(), this.#followers.close(), this.#tasks.close()],
        ...[watched, ...this.#leaving.values()],
      ]);
    }
  }

  async #followEvents(onOpen: () => void, signal: AbortSignal): Promise<void> {
    const { engine, clock } = this.#options;
    for await (const event of containerEvents(engine, { labels: this.#own(), onOpen }, signal)) {
      const container = event.attributes["name"] ?? "";
      const history = this.#histories.of(container);
      if (event.action === "oom") history.outOfMemoryAt = clock.now();
      if (event.action === "die") {
        history.outputRead = this.#outputRead(event.containerId, signal);
        this.#histories.ended(container, Number(event.attributes["exitCode"] ?? 0), clock.now());
      }
      // The engine also sends it after a failed creation, whose attempts still count.
      if (event.action === "destroy" && this.#known.delete(event.containerId)) {
        this.#forget(event.containerId, container, event.attributes);
      }
      // `exec_create: ...` and the like come with every exec and change nothing.
      if (CHANGES.has(event.action)) this.#onChange(event.attributes[LABEL.name]);
    }
  }

  #forget(id: string, container: string, labels: Readonly<Record<string, string>>): void {
    const address = labels[LABEL.address];
    if (address !== undefined) void this.#options.ownNetwork?.release(address);
    this.#prober.forget(container);
    this.#unhealthy.forget(container);
    this.#histories.forget(container);
    this.#followers.forget(id);
    this.#retiring.delete(id);
    this.#commands.forget(id);
  }

  #pulled(image: string, took: PullTimes): void {
    const names = this.#waiting.get(image) ?? new Set();
    this.#waiting.delete(image);
    for (const name of names) {
      this.#options.times.add(name, { ...took, key: "pull", name: "pull", detail: image });
      this.#onChange(name);
    }
  }

  async #hasImage(desired: DesiredDeployment, signal: AbortSignal): Promise<boolean> {
    const { image, name } = desired;
    if (await inspectImage(this.#options.engine, fullReference(image), signal) === undefined) {
      this.#waiting.set(image, (this.#waiting.get(image) ?? new Set()).add(name));
      return false;
    }
    this.#pulls.forget(image);
    return true;
  }

  /** True if the name still belongs to a container that is retiring. */
  #nameIsTaken(name: string, ordinal: number, before: readonly Container[]): boolean {
    return before.some((each) => this.#retiring.has(each.id) && each.name === containerName(name, ordinal));
  }

  /** Removes what must go; what runs first rests unreported for the drain time. Returns how long, if something waits. */
  #retire(
    removals: readonly (Action & { readonly id: string })[],
    containers: readonly Container[],
  ): number | undefined {
    const { clock, drainMs } = this.#options;
    const due: Container[] = [];
    let waitMs: number | undefined;
    for (const { kind, id } of removals) {
      const container = containers.find((each) => each.id === id);
      if (container === undefined) continue;
      const since = this.#retiring.get(id) ?? clock.now();
      this.#retiring.set(id, since);
      const leftMs = since + drainMs - clock.now();
      if (kind === "clear" || container.state.status !== "running" || leftMs <= 0) due.push(container);
      else waitMs = Math.max(waitMs ?? 0, leftMs);
    }
    for (const each of due) this.#leave(each);
    return due.length === 0 ? waitMs : Math.min(waitMs ?? Infinity, LEAVE_AGAIN_MS);
  }

  /**
   * Stops and removes a container, without a wait: apps choose their time to end, and few of them would hold up all others
   * of the region. The event of its removal leads to the next plan; one that failed is due again.
   */
  #leave(container: Container): void {
    const { id, name } = container;
    if (this.#leaving.has(id)) return;
    const { signal } = this.#closing;
    const left = this.#stopContainer(container, signal).then(() => this.#removeStopped(container, signal))
      .catch((error: unknown) => {
        if (!signal.aborted) {
          this.#options.log.warn("container not removed", { instance: name, error: describeError(error) });
        }
      }).finally(() => this.#leaving.delete(id));
    this.#leaving.set(id, left);
  }

  async #stopContainer(container: Container, signal: AbortSignal): Promise<void> {
    const { engine, stopGraceSeconds } = this.#options;
    this.#prober.forget(container.name);
    const graceSeconds = recoverDesired(container)?.stopSeconds || stopGraceSeconds;
    await stopContainer(engine, container.id, graceSeconds, signal);
  }

  async #removeStopped({ id, name, labels }: Container, signal: AbortSignal): Promise<void> {
    await this.#outputRead(id, signal);
    await removeContainer(this.#options.engine, id, signal);
    this.#forget(id, name, labels);
  }

  /** Waits for what a container printed last, though not for long. */
  async #outputRead(id: string, signal: AbortSignal): Promise<void> {
    const done = new AbortController();
    const late = this.#options.clock.sleep(LAST_OUTPUT_MS, AbortSignal.any([signal, done.signal]));
    await Promise.race([this.#followers.finished(id), late.catch(() => undefined)]);
    done.abort();
  }

  async #containers(name: string, signal: AbortSignal): Promise<Container[]> {
    const { engine } = this.#options;
    const listed = await listContainers(engine, [...this.#own(), `${LABEL.name}=${name}`], signal);
    for (const { id } of listed) this.#known.add(id);
    const all = await Promise.all(listed.map(({ id }) => inspectContainer(engine, id, signal)));
    return all.filter((each) => each !== undefined);
  }

  #own(): string[] {
    return ownLabels(this.#options.spec);
  }
}
