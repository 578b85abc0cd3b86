import type { Clock } from "../../../../../pkg/clock/mod.ts";
import {
  createContainer,
  type Engine,
  ensureSeparatingBridge,
  inspectContainer,
  removeContainer,
  startContainer,
} from "../../../../../pkg/docker/mod.ts";
import { describeError, Fault, isFault } from "../../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../../../pkg/retry/mod.ts";
import type { DesiredDeployment, DesiredTask } from "../../deployment/desired.ts";
import type { StartTimes } from "../../deployment/start_times.ts";
import {
  containerName,
  containerSpec,
  LABEL,
  NETWORK_LABELS,
  ownLabels,
  type Place,
  type SpecOptions,
  taskSpec,
} from "./container_manifest.ts";
import type { Histories } from "./exits.ts";
import type { HostPorts } from "./host_ports.ts";
import type { OwnNetwork } from "./own_network.ts";
import type { Action } from "./plan.ts";
import { startTrouble } from "./refusals.ts";

export interface StarterOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  readonly spec: SpecOptions;
  readonly ports: HostPorts;
  /** Where containers get addresses; absent: their ports are published. */
  readonly ownNetwork: OwnNetwork | undefined;
  readonly histories: Histories;
  readonly times: StartTimes;
}

const PLACES_TRIED_MAX = 5;
const START_FIRST_MS = 1_000;
const START_MS_MAX = 30_000;

/** The engine's own, which is always there. */
const ENGINE_NETWORK = "bridge";

type Start = Extract<Action, { kind: "create" | "start" }> & {
  /** Instead of the ordinal: the container runs this. */
  readonly task?: DesiredTask;
};

/** Creates and starts containers, each no more often than its history allows. */
export class Starter {
  readonly #options: StarterOptions;
  /** False once the engine has turned out to have no init program. */
  #hasInit = true;

  constructor(options: StarterOptions) {
    this.#options = options;
  }

  /**
   * Does one action. What the engine refuses is kept in the container's history;
   * returns how long to wait before the next attempt, in milliseconds, when there must be one.
   */
  async run(action: Start, desired: DesiredDeployment, signal: AbortSignal): Promise<number | undefined> {
    const { clock, histories, log, times } = this.#options;
    const name = nameOf(desired, action);
    const history = histories.of(name);
    const waitMs = history.startNotBefore - clock.now();
    if (waitMs > 0) return waitMs;
    const backMs = backoffMs(++history.startAttempts, START_FIRST_MS, START_MS_MAX);
    history.startNotBefore = clock.now() + backMs;
    try {
      times.begin(desired.name, name);
      await this.#attempt(action, desired, signal);
      times.reached(desired.name, name, "start");
      if (action.kind === "start") history.restartsByAgent++;
      history.startTrouble = undefined;
      return undefined;
    } catch (error) {
      const trouble = startTrouble(error);
      if (trouble === undefined) throw error;
      history.startTrouble = trouble;
      log.warn("container start failed", { instance: name, error: describeError(error) });
      return backMs;
    }
  }

  async #attempt(action: Start, desired: DesiredDeployment, signal: AbortSignal): Promise<void> {
    const { engine } = this.#options;
    if (action.kind === "start") {
      await this.#options.ownNetwork?.restore(signal);
      await this.#ensureNetwork(signal);
    }
    let id = action.kind === "start" ? action.id : undefined;
    for (let tried = 1;; tried++) {
      id ??= await this.#create(action, desired, signal);
      try {
        return await startContainer(engine, id, signal);
      } catch (error) {
        const withoutInit = desired.init && this.#hasInit && isInitMissing(error);
        if (withoutInit) this.#leaveOutInit();
        else if (!isPlaceLost(error) || tried >= PLACES_TRIED_MAX) throw error;
        // Without the init program, or elsewhere: another program took the port or the address meanwhile.
        await removeContainer(engine, id, signal);
        id = undefined;
      }
    }
  }

  #leaveOutInit(): void {
    this.#hasInit = false;
    this.#options.log.warn("the engine has no init program: orphaned processes of apps are not collected", {
      program: INIT_PROGRAM,
    });
  }

  /** Each time: an administrator may have pruned it. */
  async #ensureNetwork(signal: AbortSignal): Promise<void> {
    const { engine, spec } = this.#options;
    if (spec.network !== ENGINE_NETWORK) {
      await ensureSeparatingBridge(engine, { name: spec.network, labels: NETWORK_LABELS }, signal);
    }
  }

  async #create(action: Start, desired: DesiredDeployment, signal: AbortSignal): Promise<string> {
    const { ownNetwork, ports, spec } = this.#options;
    const own = spec.network === ENGINE_NETWORK
      ? undefined
      : await ownNetwork?.take(nameOf(desired, action), signal);
    // A task has no port.
    const hostPort = (): number => action.task === undefined ? ports.take() : 0;
    const place: Place = own ?? { kind: "port", hostPort: hostPort() };
    try {
      return await this.#createAt(place, action, desired, signal);
    } catch (error) {
      if (place.kind === "address") await ownNetwork?.release(place.address);
      throw error;
    }
  }

  async #createAt(
    place: Place,
    action: Start,
    desired: DesiredDeployment,
    signal: AbortSignal,
  ): Promise<string> {
    const { engine, ownNetwork, spec } = this.#options;
    const possible = { ...desired, init: desired.init && this.#hasInit };
    const wanted = action.task === undefined
      ? containerSpec(possible, action.ordinal, place, spec)
      : taskSpec(possible, action.task, place, spec);
    if (place.kind === "port") await this.#ensureNetwork(signal);
    try {
      return await createContainer(engine, wanted, signal);
    } catch (error) {
      if (!isFault(error, "already_exists")) throw error;
      // It may have run already: the next look says.
      if (action.task !== undefined) {
        throw new Fault("unavailable", `the container "${wanted.name}" is there meanwhile`, { cause: error });
      }
      const holder = await inspectContainer(engine, wanted.name, signal);
      const own = ownLabels(spec).every((label) => {
        const [key = "", value] = label.split(/=(.*)/s);
        return holder?.labels[key] === value;
      });
      // Created by a call whose answer was lost: the next look finds it.
      if (holder !== undefined && own) {
        if (place.kind === "address" && holder.labels[LABEL.address] !== place.address) {
          await ownNetwork?.release(place.address);
        }
        return holder.id;
      }
      throw new Fault("failed_precondition", `the container name "${wanted.name}" belongs to somebody else`, {
        cause: error,
      });
    }
  }
}

function nameOf({ name }: DesiredDeployment, { ordinal, task }: Start): string {
  return containerName(name, task?.name ?? ordinal);
}

/** The engine looks for it in its own PATH. */
const INIT_PROGRAM = "docker-init";

function isInitMissing(error: unknown): boolean {
  return error instanceof Fault && error.message.includes(INIT_PROGRAM);
}

const PLACE_LOST =
  /port is already allocated|address already in use|ports are not available|no configured subnet|network \S+ not found/i;

/** True if the container may be started at another port or address. */
function isPlaceLost(error: unknown): boolean {
  return error instanceof Fault && PLACE_LOST.test(error.message);
}
