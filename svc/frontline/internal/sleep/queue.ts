import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Failure, ProxyRequest } from "../../../../pkg/proxy/mod.ts";
import { Window } from "./window.ts";
import type { WakeResult } from "./waker.ts";

export interface WakeQueueOptions {
  readonly clock: Clock;
  /** Asks for the wake of a deployment until it has instances, or until `signal` aborts. The promise does not fail. */
  readonly wake: (deploymentId: string, signal: AbortSignal) => Promise<WakeResult>;
  /** The number of instances that take requests. */
  readonly instancesOf: (deploymentId: string) => number;
  /** True while the host name leads to this deployment, and it may sleep. */
  readonly leadsTo: (host: string, deploymentId: string) => boolean;
}

/** The end of a wait. `go`: the request is routed anew, and `settled` is called when its answer has begun, or there is none. */
export type Turn =
  | { readonly kind: "go"; readonly settled: () => void }
  | { readonly kind: "fail"; readonly failure: Failure };

/** A request that waits. */
export interface Place {
  readonly turn: Promise<Turn>;
  /** The client went away. */
  readonly leave: () => void;
}

/** The longest wait for an instance, and for the turn of a request where there is one. Clients and balancers wait for 30 to 60 s. */
const START_MS_MAX = 30_000;
const TURN_MS_MAX = 60_000;
const OF_DEPLOYMENT_MAX = 2_000;
const WAITING_MAX = 4_000;
/** Of their heads. Bodies stay in the connections. */
const BYTES_MAX = 32 * 1_024 * 1_024;
const TICK_MS = 50;
/** A deployment that does not sleep is not asked for again so soon. */
const AWAKE_MS = 5_000;
const AWAKE_KNOWN_MAX = 10_000;
/** Answers that are made at the end of a drain still go out. */
const DRAIN_MARGIN_MS = 1_000;

interface Waiting {
  readonly host: string;
  readonly bytes: number;
  readonly sinceMs: number;
  readonly resolve: (turn: Turn) => void;
}

interface Entry {
  readonly deploymentId: string;
  /** In the order in which they came. */
  readonly waiting: Set<Waiting>;
  readonly stop: AbortController;
  readonly window: Window;
}

/** Requests for deployments that sleep. They wait until an instance takes them, and then reach it a few at a time. */
export class WakeQueue {
  readonly #options: WakeQueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #awakeUntilMs = new Map<string, number>();
  readonly #closed = new AbortController();
  #count = 0;
  #bytes = 0;
  #ticks = false;
  #endsAtMs = Infinity;

  constructor(options: WakeQueueOptions) {
    this.#options = options;
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#count;
  }

  /** Requests of the deployment wait: others come after them. */
  isQueued(deploymentId: string): boolean {
    return this.#entries.has(deploymentId);
  }

  /** False shortly after the control plane has said that it does not sleep. */
  mayWake(deploymentId: string): boolean {
    const untilMs = this.#awakeUntilMs.get(deploymentId);
    if (untilMs === undefined) return true;
    if (this.#options.clock.now() < untilMs) return false;
    this.#awakeUntilMs.delete(deploymentId);
    return true;
  }

  /** Lets a request wait for its turn. */
  enter(deploymentId: string, request: Pick<ProxyRequest, "host" | "target" | "headers">): Place {
    const entry = this.#entries.get(deploymentId) ?? this.#open(deploymentId);
    const bytes = bytesOf(request);
    const { promise: turn, resolve } = Promise.withResolvers<Turn>();
    const refusal = this.#refusal(entry, bytes);
    const waiting = { host: request.host, bytes, sinceMs: this.#options.clock.now(), resolve };
    if (refusal !== undefined) {
      resolve(fail(refusal));
      if (entry.waiting.size === 0) this.#close(entry);
      return { turn, leave: () => undefined };
    }
    entry.waiting.add(waiting);
    this.#count++;
    this.#bytes += bytes;
    this.#startTicks();
    this.#admit(entry);
    return { turn, leave: () => this.#leave(entry, waiting) };
  }

  /** The deployment has instances. */
  ready(deploymentId: string): void {
    const entry = this.#entries.get(deploymentId);
    if (entry !== undefined) this.#admit(entry);
  }

  /** A drain of so long has begun: requests that still wait shortly before its end are answered. */
  drain(drainMs: number): void {
    this.#endsAtMs = this.#options.clock.now() + Math.max(0, drainMs - DRAIN_MARGIN_MS);
  }

  /** Answers everything that waits, and nothing waits from now on. */
  close(): void {
    this.#endsAtMs = -Infinity;
    this.#closed.abort();
    for (const entry of [...this.#entries.values()]) this.#failAll(entry, STOPPING);
  }

  #refusal(entry: Entry, bytes: number): string | undefined {
    if (this.#options.clock.now() >= this.#endsAtMs) return STOPPING;
    if (entry.waiting.size >= OF_DEPLOYMENT_MAX) {
      return `The app was asleep and is starting, and ${OF_DEPLOYMENT_MAX} requests wait for it already.`;
    }
    if (this.#count < WAITING_MAX && this.#bytes + bytes <= BYTES_MAX) return undefined;
    return "The app was asleep and is starting, and this edge holds as many waiting requests as it may.";
  }

  #open(deploymentId: string): Entry {
    const stop = new AbortController();
    const entry = { deploymentId, waiting: new Set<Waiting>(), stop, window: new Window() };
    this.#entries.set(deploymentId, entry);
    void this.#options.wake(deploymentId, stop.signal).then((result) => this.#woken(entry, result));
    return entry;
  }

  #close(entry: Entry): void {
    if (this.#entries.get(entry.deploymentId) === entry) this.#entries.delete(entry.deploymentId);
    entry.stop.abort();
  }

  #woken(entry: Entry, result: WakeResult): void {
    if (result.kind === "ready" || entry.stop.signal.aborted) return;
    if (this.#awakeUntilMs.size >= AWAKE_KNOWN_MAX) this.#awakeUntilMs.clear();
    this.#awakeUntilMs.set(entry.deploymentId, this.#options.clock.now() + AWAKE_MS);
    // They are routed anew, and answered as any request for an app without instances.
    for (const each of [...entry.waiting]) this.#letIn(entry, each);
  }

  /** Lets as many in as the instances shall have at a time. */
  #admit(entry: Entry): void {
    const instances = this.#options.instancesOf(entry.deploymentId);
    for (const each of entry.waiting) {
      if (!entry.window.hasRoom(instances)) return;
      this.#letIn(entry, each);
    }
  }

  #letIn(entry: Entry, waiting: Waiting): void {
    const { clock } = this.#options;
    const answered = entry.window.enter(clock.now());
    let isSettled = false;
    const settled = (): void => {
      if (isSettled) return;
      isSettled = true;
      answered(clock.now());
      this.#admit(entry);
    };
    this.#leave(entry, waiting);
    waiting.resolve({ kind: "go", settled });
  }

  #leave(entry: Entry, waiting: Waiting): void {
    if (!entry.waiting.delete(waiting)) return;
    this.#count--;
    this.#bytes -= waiting.bytes;
    if (entry.waiting.size === 0) this.#close(entry);
  }

  #fail(entry: Entry, waiting: Waiting, detail: string): void {
    this.#leave(entry, waiting);
    waiting.resolve(fail(detail));
  }

  #failAll(entry: Entry, detail: string): void {
    for (const each of [...entry.waiting]) this.#fail(entry, each, detail);
  }

  #startTicks(): void {
    if (this.#ticks) return;
    this.#ticks = true;
    void this.#tickOn();
  }

  async #tickOn(): Promise<void> {
    const { clock } = this.#options;
    while (this.#entries.size > 0 && !this.#closed.signal.aborted) {
      await clock.sleep(TICK_MS, this.#closed.signal).catch(() => undefined);
      for (const entry of [...this.#entries.values()]) this.#tick(entry, clock.now());
    }
    this.#ticks = false;
  }

  #tick(entry: Entry, nowMs: number): void {
    const { leadsTo, instancesOf } = this.#options;
    if (nowMs >= this.#endsAtMs) return this.#failAll(entry, STOPPING);
    const hasInstances = instancesOf(entry.deploymentId) > 0;
    const limitMs = hasInstances ? TURN_MS_MAX : START_MS_MAX;
    for (const each of [...entry.waiting]) {
      if (!leadsTo(each.host, entry.deploymentId)) this.#letIn(entry, each);
      else if (nowMs - each.sinceMs >= limitMs) {
        this.#fail(entry, each, hasInstances ? TOO_SLOW : NOT_STARTED);
      }
    }
    if (!hasInstances) return;
    entry.window.tick(nowMs);
    this.#admit(entry);
  }
}

const NOT_STARTED = `The app was asleep, and none of its instances came to run within ${
  START_MS_MAX / 1_000
} s.`;
const TOO_SLOW = `The app was asleep, and answers so slowly that this request had no turn in ${
  TURN_MS_MAX / 1_000
} s.`;
const STOPPING =
  "The app was asleep and is starting, and this edge stops: another one takes the next request.";

function fail(detail: string): Turn {
  return { kind: "fail", failure: { kind: "waking", detail } };
}

function bytesOf({ target, headers }: Pick<ProxyRequest, "target" | "headers">): number {
  return headers.reduce((sum, { name, value }) => sum + name.length + value.length, target.length);
}
