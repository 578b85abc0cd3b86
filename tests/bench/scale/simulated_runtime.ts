/** A runtime whose containers do not exist: they are pending for a while, and then they run. */
import type { Clock } from "../../../pkg/clock/mod.ts";
import { digestOf } from "../../../pkg/hash/mod.ts";
import type { DesiredDeployment } from "../../../svc/krane/internal/deployment/desired.ts";
import type {
  Instance,
  ManagedDeployment,
  Observation,
  Runtime,
} from "../../../svc/krane/internal/runtime/port.ts";

/** The image of deployments whose containers run already when the agent starts. */
export const RUNNING_IMAGE = "scale.example/running:1";
/** The image of new deployments. */
export const NEW_IMAGE = "scale.example/new:1";

const CPU_MILLICORES = 250;
const MEMORY_MIB = 256;
const PORT_FIRST = 10_000;
const PORTS = 50_000;

interface Held {
  readonly desired: DesiredDeployment;
  readonly runningAtMs: number;
}

export interface SimulatedRuntimeOptions {
  readonly clock: Clock;
  /** From 0: the second byte of its instances' addresses. */
  readonly region: number;
  /** From the desired state to an app that answers. */
  readonly startMs: number;
}

export class SimulatedRuntime implements Runtime {
  readonly #options: SimulatedRuntimeOptions;
  readonly #held = new Map<string, Held>();

  constructor(options: SimulatedRuntimeOptions) {
    this.#options = options;
  }

  reconcile(desired: DesiredDeployment): Promise<Observation> {
    const { clock, region, startMs } = this.#options;
    const nowMs = clock.now();
    const ownMs = desired.image === RUNNING_IMAGE ? 0 : startMs;
    const runningAtMs = this.#held.get(desired.name)?.runningAtMs ?? nowMs + ownMs;
    this.#held.set(desired.name, { desired, runningAtMs });
    const leftMs = Math.max(0, runningAtMs - nowMs);
    const instances = Array.from(
      { length: desired.replicas },
      (_, replica) => instanceOf(desired.name, { region, replica, isRunning: leftMs === 0 }),
    );
    return Promise.resolve({ instances, ...(leftMs === 0 ? {} : { againMs: leftMs }) });
  }

  remove(name: string): Promise<void> {
    this.#held.delete(name);
    return Promise.resolve();
  }

  managed(): Promise<readonly ManagedDeployment[]> {
    const all = [...this.#held.values()];
    return Promise.resolve(all.map(({ desired: { name, deploymentId } }) => ({ name, deploymentId })));
  }

  /** Nothing can be read back: the agent asks for a snapshot, as one does that has lost its folder. */
  recover(): Promise<readonly DesiredDeployment[]> {
    return Promise.resolve([]);
  }

  /** Changes come by `againMs` only. */
  async watch(_onChange: (name: string | undefined) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }
}

/** An instance with the same name and address whenever it is asked for. */
export function instanceOf(
  name: string,
  { region, replica, isRunning }: {
    readonly region: number;
    readonly replica: number;
    readonly isRunning: boolean;
  },
): Instance {
  return {
    name: `${name}-${replica}`,
    address: isRunning ? addressOf(name, region, replica) : "",
    cpuMillicores: CPU_MILLICORES,
    memoryMib: MEMORY_MIB,
    status: isRunning ? "running" : "pending",
    reason: isRunning ? "" : "starting",
    message: isRunning ? "" : "The app is starting.",
    restarts: 0,
    lastLogLines: [],
  };
}

/** An address and a port of network 10: 32 bits of a hash, so that hardly two instances have the same. */
function addressOf(name: string, region: number, replica: number): string {
  const hash = Number.parseInt(digestOf([name, String(replica)]).slice(0, 12), 16);
  const [third, fourth] = [hash % 256, Math.floor(hash / 256) % 256];
  return `10.${region}.${third}.${fourth}:${PORT_FIRST + Math.floor(hash / 65_536) % PORTS}`;
}
