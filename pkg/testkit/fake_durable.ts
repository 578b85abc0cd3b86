/**
 * Runs a workflow over a journal in memory, and breaks it where a test says so.
 *
 * ```ts
 * const calm = await execute((durable) => deploy(durable, steps, id), {});
 * for (const at of calm.names.keys()) {
 *   const broken = await execute((durable) => deploy(durable, fresh(), id), { fault: { kind: "recorded", at } });
 *   assert.deepEqual(broken.result, calm.result);
 * }
 * ```
 *
 * Results pass through JSON, as they do in the real journal, and a replay that asks for another operation than the
 * recorded one fails the run.
 *
 * @module
 */
import { type Address, AttemptEnded, type DurableWorkflow, type Raced, type Target } from "../durable/mod.ts";
import { Fault, type FaultCode } from "../fault/mod.ts";

/** The fault at operation `at`, counted from 0. */
export interface Injected {
  readonly at: number;
  readonly kind: FaultKind;
}

/**
 * - `lost`: the process dies after the effect and before it is recorded;
 * - `recorded`: it dies right after the recording;
 * - `refused`: the operation fails for good without any effect;
 * - `failed_late`: the effect happens, yet the operation fails for good;
 * - `repeated`: the effect happens, the try fails, and the next try succeeds.
 */
export type FaultKind = "lost" | "recorded" | "refused" | "failed_late" | "repeated";

/**
 * All kinds of fault, for loops. None where `UNKEY_TEST_FAULTS` says "none", as it does when statements are recorded: the
 * repetitions take most of the time and send the same statements.
 */
export const FAULT_KINDS: readonly FaultKind[] = Deno.env.get("UNKEY_TEST_FAULTS") === "none"
  ? []
  : ["lost", "recorded", "refused", "failed_late", "repeated"];

/** One message handed over. */
export interface Sent {
  readonly service: string;
  readonly handler: string;
  readonly key: string | undefined;
  readonly input: unknown;
  readonly delayMs: number;
}

/** The world around the workflow. Everything in it survives a death of the process. */
export interface World {
  readonly signals: Set<string>;
  readonly state: Map<string, string>;
  readonly sent: Sent[];
  nowMs: number;
}

export interface ExecuteOptions {
  readonly key?: string;
  readonly fault?: Injected;
  readonly world?: World;
  /** Answers calls to other services; returning `NO_ANSWER` means that a signal came first. */
  readonly answer?: (to: Address, input: unknown, world: World) => Promise<unknown>;
  /** Happens while the workflow waits for the `count`th time (from 1), before the wait can end. */
  readonly onWait?: (count: number, world: World) => Promise<void> | void;
}

export interface Execution<T> {
  readonly names: readonly string[];
  readonly result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };
  readonly world: World;
  /** Runs of the workflow from its first line. */
  readonly attempts: number;
}

/** See `ExecuteOptions.answer`. */
export const NO_ANSWER: unique symbol = Symbol("no answer");

/** An empty world at a fixed time. */
export function newWorld(): World {
  return { signals: new Set(), state: new Map(), sent: [], nowMs: 1_700_000_000_000 };
}

const ATTEMPTS_MAX = 5;

/** Runs `body` until it ends, through all deaths of its process. */
export async function execute<T>(
  body: (durable: DurableWorkflow) => Promise<T>,
  options: ExecuteOptions = {},
): Promise<Execution<T>> {
  const world = options.world ?? newWorld();
  const journal: Entry[] = [];
  const run = { waits: 0, struck: false };
  for (let attempts = 1; attempts <= ATTEMPTS_MAX; attempts++) {
    const durable = fakeWorkflow(journal, world, options, run);
    try {
      const value = await body(durable);
      return { names: namesOf(journal), result: { ok: true, value }, world, attempts };
    } catch (error) {
      if (error instanceof ProcessDied) continue;
      return { names: namesOf(journal), result: { ok: false, error }, world, attempts };
    }
  }
  throw new Error(`the workflow did not end within ${ATTEMPTS_MAX} attempts`);
}

class ProcessDied extends AttemptEnded {}

interface Entry {
  readonly name: string;
  readonly json?: string | undefined;
  readonly fault?: { readonly code: FaultCode; readonly message: string };
}

function namesOf(journal: readonly Entry[]): readonly string[] {
  return journal.map((each) => each.name);
}

function fakeWorkflow(
  journal: Entry[],
  world: World,
  options: ExecuteOptions,
  run: { waits: number; struck: boolean },
): DurableWorkflow {
  let cursor = 0;

  /** `outside`: the effect is Restate's own, so it happens exactly when it is recorded. */
  async function record<V>(name: string, effect: () => Promise<V>, outside: boolean): Promise<V> {
    const index = cursor++;
    const past = journal[index];
    if (past !== undefined) {
      if (past.name === name) return replay<V>(past);
      throw new Error(`the replay diverged at ${index}: recorded "${past.name}", asked for "${name}"`);
    }
    const fault = !run.struck && options.fault?.at === index ? options.fault.kind : undefined;
    if (fault !== undefined) run.struck = true;
    if (fault === "lost" && outside) throw new ProcessDied("died");
    const entry = await perform(name, effect, outside && fault === "repeated" ? undefined : fault);
    if (fault === "lost") throw new ProcessDied("died");
    journal[index] = entry;
    if (fault === "recorded") throw new ProcessDied("died");
    return replay<V>(entry);
  }

  async function perform<V>(name: string, effect: () => Promise<V>, fault?: FaultKind): Promise<Entry> {
    if (fault === "refused") return { name, fault: { code: "unavailable", message: "injected" } };
    try {
      if (fault === "repeated") await effect();
      const json = JSON.stringify(await effect());
      if (fault === "failed_late") return { name, fault: { code: "unavailable", message: "injected" } };
      return { name, json };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return { name, fault: { code: error.code, message: error.publicMessage ?? error.message } };
    }
  }

  const own = <V>(name: string, effect: () => V | Promise<V>): Promise<V> =>
    record(name, () => Promise.resolve(effect()), true);
  const firstSet = (signals: readonly string[]): string | undefined =>
    signals.find((each) => world.signals.has(each));
  const answer = async (to: Address, input: unknown): Promise<unknown> => {
    if (options.answer === undefined) throw new Error(`nothing answers ${to.service}/${to.handler}`);
    return await options.answer(to, input, world);
  };

  return {
    key: options.key ?? "key",
    run: (name, action) => record(name, () => action(new AbortController().signal), false),
    sleep: (name, ms) => own(`sleep: ${name}`, () => void (world.nowMs += ms)),
    now: () => own("now", () => world.nowMs),
    // What the caller of `target` knows about the answer's type is not known here.
    call: <I, O>(to: Target<I, O>, input: I) =>
      own(`call: ${to.handler}`, () => answer(to, input)) as Promise<O>,
    send: (to, input, send = {}) =>
      own(`send: ${to.handler}`, () => {
        const json: unknown = JSON.parse(JSON.stringify(input));
        world.sent.push({
          service: to.service,
          handler: to.handler,
          key: to.key,
          input: json,
          delayMs: send.delayMs ?? 0,
        });
      }),
    get: <V>(key: string) =>
      own(`get: ${key}`, () => {
        const json = world.state.get(key);
        return json === undefined ? undefined : JSON.parse(json) as V;
      }),
    set(key, value) {
      // Not awaited by callers; on replay the write has happened.
      if (cursor >= journal.length) world.state.set(key, JSON.stringify(value));
    },
    clear(key) {
      if (cursor >= journal.length) world.state.delete(key);
    },
    isSet: (signal) => own(`peek: ${signal}`, () => world.signals.has(signal)),
    waitFor: (signals, timeoutMs) =>
      own(`wait: ${signals.join(", ")}`, async () => {
        if (firstSet(signals) === undefined) await options.onWait?.(++run.waits, world);
        const first = firstSet(signals);
        if (first === undefined) world.nowMs += timeoutMs;
        return first;
      }),
    callUnless: <I, O>(to: Target<I, O>, input: I, signals: readonly string[]) =>
      own(`call: ${to.handler}`, async (): Promise<Raced<O>> => {
        const value = firstSet(signals) === undefined ? await answer(to, input) : NO_ANSWER;
        if (value !== NO_ANSWER) return { kind: "answered", value: value as O };
        return { kind: "signalled", signal: firstSet(signals) ?? "none was set" };
      }),
  };
}

function replay<V>(entry: Entry): V {
  if (entry.fault !== undefined) {
    throw new Fault(entry.fault.code, entry.fault.message, { publicMessage: entry.fault.message });
  }
  return (entry.json === undefined ? undefined : JSON.parse(entry.json)) as V;
}
