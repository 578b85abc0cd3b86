/** Faults between agents and the control plane, and in the runtimes of the agents. */
import { Fault } from "../../pkg/fault/mod.ts";
import type { DesiredDeployment } from "../../svc/krane/internal/deployment/desired.ts";
import type { ManagedDeployment, Observation, Runtime } from "../../svc/krane/internal/runtime/port.ts";

/** Numbers below a bound that a seed repeats. */
export type Dice = (below: number) => number;

export function dice(seed: number): Dice {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A network that leads to one of several servers, and loses connections when a test asks for it. */
export class ChaosProxy implements AsyncDisposable {
  cuts = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  #partsPerCut = Infinity;
  #partsLeft = Infinity;
  /** Both ends of each connection. */
  readonly #open = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>;

  constructor(private readonly ports: readonly number[], private readonly roll: Dice) {
    this.#running = this.#accept();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** From now on cuts one whenever about so many parts have passed: a slow machine has as many cuts as a fast one. */
  cutByParts(parts: number): void {
    this.#partsPerCut = this.#partsLeft = parts;
  }

  /** Cuts a connection, whichever it is: a stream, or a call that may or may not have arrived. */
  cut(): void {
    const victim = [...this.#open][this.roll(Math.max(1, this.#open.size))];
    if (victim === undefined) return;
    this.cuts++;
    this.#drop(victim);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const each of this.#open) close(each);
    await this.#running;
  }

  async #accept(): Promise<void> {
    const connections = new Set<Promise<void>>();
    try {
      for await (const inner of this.#listener) {
        const connection = this.#connect(inner).finally(() => connections.delete(connection));
        connections.add(connection);
      }
    } catch (error) {
      // Closed while it waited.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await Promise.all(connections);
  }

  async #connect(inner: Deno.TcpConn): Promise<void> {
    this.#open.add(inner);
    const port = this.ports[this.roll(this.ports.length)] ?? 0;
    const outer = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
    if (outer === undefined) return this.#drop(inner);
    this.#open.add(outer);
    // A side that ends takes the other with it.
    const drop = (): void => this.#drop(inner, outer);
    await Promise.allSettled([
      inner.readable.pipeThrough(this.#counter()).pipeTo(outer.writable).finally(drop),
      outer.readable.pipeThrough(this.#counter()).pipeTo(inner.writable).finally(drop),
    ]);
  }

  #counter(): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
    return new TransformStream({
      transform: (part, controller) => {
        controller.enqueue(part);
        if (--this.#partsLeft > 0) return;
        this.#partsLeft = 1 + this.roll(2 * this.#partsPerCut);
        this.cut();
      },
    });
  }

  #drop(...connections: readonly Deno.TcpConn[]): void {
    for (const each of connections) {
      this.#open.delete(each);
      close(each);
    }
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It was closed by its stream.
  }
}

const WORK_MS_MAX = 3;
const FAILURES_OF = 20;

/**
 * The runtime of a region. It outlives its agents as containers do, fails now and then, and remembers everything that was
 * done wrong: here the replicas of a deployment are the version that asked for them, so that none may ever go down.
 */
export class FakeRegion implements Runtime {
  readonly running = new Map<string, DesiredDeployment>();
  readonly problems: string[] = [];
  /** True while operations fail. */
  failing = true;
  failures = 0;
  applied = 0;
  removed = 0;
  readonly #newest = new Map<string, number>();
  readonly #busy = new Set<string>();

  constructor(private readonly name: string, private readonly roll: Dice) {}

  async reconcile(desired: DesiredDeployment, signal: AbortSignal): Promise<Observation> {
    await this.#work(desired.name, signal);
    const newest = this.#newest.get(desired.name) ?? 0;
    if (desired.replicas < newest) {
      this.problems.push(`${this.name}: ${desired.name} went back from ${newest} to ${desired.replicas}`);
    }
    this.#newest.set(desired.name, Math.max(newest, desired.replicas));
    this.running.set(desired.name, desired);
    this.applied++;
    return {
      instances: [{
        name: `${desired.name}-0`,
        address: "10.0.0.1:8080",
        cpuMillicores: 250,
        memoryMib: 256,
        status: "running",
        reason: "",
        message: "",
        restarts: 0,
        lastLogLines: [],
      }],
    };
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    await this.#work(name, signal);
    this.running.delete(name);
    this.removed++;
  }

  managed(): Promise<readonly ManagedDeployment[]> {
    return Promise.resolve(
      [...this.running.values()].map(({ name, deploymentId }) => ({ name, deploymentId })),
    );
  }

  recover(): Promise<readonly DesiredDeployment[]> {
    return Promise.resolve([...this.running.values()]);
  }

  watch(_onChange: (name: string | undefined) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }

  async #work(name: string, signal: AbortSignal): Promise<void> {
    if (this.#busy.has(name)) this.problems.push(`${this.name}: two operations on ${name} at once`);
    this.#busy.add(name);
    try {
      if (this.roll(4) === 0) await pause(this.roll(WORK_MS_MAX));
      signal.throwIfAborted();
      if (this.failing && this.roll(FAILURES_OF) === 0) {
        this.failures++;
        throw new Fault("unavailable", "the runtime is busy");
      }
    } finally {
      this.#busy.delete(name);
    }
  }
}
