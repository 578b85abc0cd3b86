/**
 * Workflows in memory whose steps interleave as a seed says: one step runs at a time, which one is drawn by lot.
 *
 * Handlers of one key of an object take turns; messages, sleeps and deadlines pass on a clock of its own, which moves
 * when nothing else can happen and now and then before that.
 */
import type { Address, DurableShared, DurableWorkflow, Raced, Target } from "../../pkg/durable/mod.ts";
import { Fault } from "../../pkg/fault/mod.ts";

/** An exclusive handler. */
export type Handler = (durable: DurableWorkflow, input: never) => Promise<unknown>;
/** A shared handler of a workflow. */
export type SharedHandler = (shared: DurableShared, input: never) => Promise<unknown>;

interface Wait {
  readonly owner: string;
  readonly signals: readonly string[];
  readonly untilMs: number;
  readonly end: (signal: string | undefined) => void;
}

interface Timer {
  readonly atMs: number;
  readonly fire: () => void;
}

interface Call {
  readonly handler: string;
  readonly input: unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** Probability that the clock moves although an action is possible now. */
const CLOCK_MOVES = 0.05;

export class Simulation {
  nowMs = 1_700_000_000_000;
  readonly #random: () => number;
  readonly #objects = new Map<string, Readonly<Record<string, Handler>>>();
  readonly #workflows = new Map<string, Handler>();
  readonly #shared = new Map<string, SharedHandler>();
  readonly #runs = new Map<string, Promise<unknown>>();
  readonly #queues = new Map<string, Call[]>();
  readonly #busy = new Set<string>();
  readonly #state = new Map<string, string>();
  readonly #signals = new Set<string>();
  #steps: (() => Promise<void>)[] = [];
  #waits: Wait[] = [];
  #timers: Timer[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Serves a keyed object. */
  object(service: string, handlers: Readonly<Record<string, Handler>>): void {
    this.#objects.set(service, handlers);
  }

  /** Serves a workflow and its shared handlers. */
  workflow(service: string, run: Handler, shared: Readonly<Record<string, SharedHandler>>): void {
    this.#workflows.set(service, run);
    for (const [name, handler] of Object.entries(shared)) this.#shared.set(`${service}/${name}`, handler);
  }

  /** Calls whatever is at the address, and answers as it does. A workflow that ran before is not run again. */
  call({ service, handler, key = "" }: Address, input: unknown): Promise<unknown> {
    const shared = this.#shared.get(`${service}/${handler}`);
    if (shared !== undefined) {
      return this.step(() => shared(this.#sharedOf(`${service}/${key}`, key), input as never));
    }
    const run = this.#workflows.get(service);
    if (run !== undefined) {
      const id = `${service}/${key}`;
      const running = this.#runs.get(id) ?? run(this.#durable(id, key), input as never);
      this.#runs.set(id, running);
      running.catch(() => undefined);
      return running;
    }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    promise.catch(() => undefined);
    const id = `${service}/${key}`;
    const queue = this.#queues.get(id) ?? [];
    this.#queues.set(id, queue);
    queue.push({ handler, input, resolve, reject });
    this.#pump(service, key);
    return promise;
  }

  /** Runs an effect when its turn comes. */
  step<T>(effect: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#steps.push(() => effect().then(resolve, reject));
    return promise;
  }

  /** Lets one thing happen, drawn by lot; false when nothing is left that could. */
  async tick(): Promise<boolean> {
    const woken = this.#waits.filter((wait) => this.#signalOf(wait) !== undefined);
    const choices = this.#steps.length + woken.length;
    if (choices > 0 && this.#random() >= CLOCK_MOVES) {
      const pick = Math.floor(this.#random() * choices);
      const [step] = pick < this.#steps.length ? this.#steps.splice(pick, 1) : [];
      const wait = woken[pick - this.#steps.length - (step === undefined ? 0 : 1)];
      if (step !== undefined) await step();
      else if (wait !== undefined) this.#end(wait, this.#signalOf(wait));
    } else if (!this.#moveClock() && choices === 0) return false;
    // What the effect has set going asks for its next step before the lot is drawn again.
    await new Promise((resolve) => setTimeout(resolve, 0));
    return true;
  }

  #moveClock(): boolean {
    const timer = this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0];
    const wait = this.#waits.toSorted((a, b) => a.untilMs - b.untilMs)[0];
    const atMs = Math.min(timer?.atMs ?? Infinity, wait?.untilMs ?? Infinity);
    if (atMs === Infinity) return false;
    this.nowMs = Math.max(this.nowMs, atMs);
    if (timer !== undefined && timer.atMs === atMs) {
      this.#timers = this.#timers.filter((each) => each !== timer);
      timer.fire();
    } else if (wait !== undefined) this.#end(wait, undefined);
    return true;
  }

  #pump(service: string, key: string): void {
    const id = `${service}/${key}`;
    if (this.#busy.has(id)) return;
    const call = this.#queues.get(id)?.shift();
    if (call === undefined) return;
    const handler = this.#objects.get(service)?.[call.handler];
    if (handler === undefined) return call.reject(new Error(`nothing serves ${service}/${call.handler}`));
    this.#busy.add(id);
    handler(this.#durable(id, key), call.input as never).then(call.resolve, call.reject).finally(() => {
      this.#busy.delete(id);
      this.#pump(service, key);
    });
  }

  #signalOf({ owner, signals }: Wait): string | undefined {
    return signals.find((each) => this.#signals.has(`${owner} ${each}`));
  }

  #end(wait: Wait, signal: string | undefined): void {
    this.#waits = this.#waits.filter((each) => each !== wait);
    wait.end(signal);
  }

  #later(ms: number): Promise<void> {
    return new Promise((resolve) => this.#timers.push({ atMs: this.nowMs + ms, fire: resolve }));
  }

  #wait(owner: string, signals: readonly string[], untilMs: number): Promise<string | undefined> {
    return new Promise((resolve) => this.#waits.push({ owner, signals, untilMs, end: resolve }));
  }

  #get<T>(owner: string, key: string): T | undefined {
    const json = this.#state.get(`${owner} ${key}`);
    return json === undefined ? undefined : JSON.parse(json) as T;
  }

  #sharedOf(owner: string, key: string): DurableShared {
    return {
      key,
      get: <T>(name: string) => Promise.resolve(this.#get<T>(owner, name)),
      signal: (name) => Promise.resolve(void this.#signals.add(`${owner} ${name}`)),
    };
  }

  #durable(owner: string, key: string): DurableWorkflow {
    const signals = (names: readonly string[]) => names.find((each) => this.#signals.has(`${owner} ${each}`));
    return {
      key,
      run: (_name, action) => this.step(() => journaled(action(new AbortController().signal))),
      sleep: (_name, ms) => this.#later(ms),
      now: () => Promise.resolve(this.nowMs),
      call: <I, O>(to: Target<I, O>, input: I) => journaled(this.call(to, input)) as Promise<O>,
      send: (to, input, { delayMs = 0 } = {}) => {
        void this.#later(delayMs).then(() => this.call(to, input).catch(() => undefined));
        return Promise.resolve();
      },
      get: <T>(name: string) => Promise.resolve(this.#get<T>(owner, name)),
      set: (name, value) => void this.#state.set(`${owner} ${name}`, JSON.stringify(value)),
      clear: (name) => void this.#state.delete(`${owner} ${name}`),
      isSet: (name) => Promise.resolve(signals([name]) !== undefined),
      waitFor: (names, timeoutMs) => this.#wait(owner, names, this.nowMs + timeoutMs),
      callUnless: async <I, O>(to: Target<I, O>, input: I, names: readonly string[]): Promise<Raced<O>> => {
        const answered = journaled(this.call(to, input)).then((value): Raced<O> => ({
          kind: "answered",
          value: value as O,
        }));
        const signalled = this.#wait(owner, names, Infinity).then((signal = ""): Raced<O> => ({
          kind: "signalled",
          signal,
        }));
        return await Promise.race([answered, signalled]);
      },
    };
  }
}

/** Results pass through JSON, and a fault keeps its code and public text only. */
async function journaled<T>(work: Promise<T>): Promise<T> {
  try {
    const value = await work;
    return value === undefined ? value : JSON.parse(JSON.stringify(value)) as T;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const text = error.publicMessage ?? error.message;
    throw new Fault(error.code, text, { publicMessage: text });
  }
}

/** Numbers from 0 to 1 that a seed determines (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
