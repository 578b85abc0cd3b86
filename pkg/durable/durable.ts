/** The effects that a workflow may have, and the types that keep its journal intact. */
import type { HandlerDescriptor, InferInput, InferOutput, Serde } from "@restatedev/restate-sdk/fetch";

/** Maps `T` to itself where JSON keeps it intact, and to `never` where it does not. */
export type Journaled<T> = T extends string | number | boolean | null | undefined | void ? T
  : T extends bigint | symbol | Date | Uint8Array | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
    ? never
  : T extends (...args: never[]) => unknown ? never
  : { readonly [K in keyof T]: Journaled<T[K]> };

/** Thrown into a workflow when this attempt is over while the workflow is not. No caller may take it for a failure. */
export class AttemptEnded extends Error {
  override readonly name = "AttemptEnded";
}

/** The effect inside a step. `signal` aborts when this attempt has ended: work that goes on is then useless. */
export type StepAction<T> = (
  signal: AbortSignal,
) => Promise<T> & ([T] extends [Journaled<T>] ? unknown : never);

/** The limit of tries in one attempt of a step, before the step fails for good. */
export interface StepOptions {
  /** Tries in all. */
  readonly attemptsMax?: number;
  readonly firstMs?: number;
  readonly maxMs?: number;
}

/** Names one handler of one object or service. */
export interface Address {
  readonly service: string;
  readonly handler: string;
  /** Absent on services, which have no key. */
  readonly key?: string;
}

/** An address, with the types that its contract declares. */
export interface Target<I, O> extends Address {
  readonly inputSerde?: Serde<I>;
  readonly outputSerde?: Serde<O>;
}

/** The parts of a contract that addressing needs. */
export interface Contract<H extends Record<string, HandlerDescriptor>> {
  readonly name: string;
  readonly _handlers: H;
}

/** Addresses `handler` of `contract`; the key is required by objects and workflows. */
export function target<H extends Record<string, HandlerDescriptor>, K extends keyof H & string>(
  contract: Contract<H>,
  handler: K,
  key?: string,
): Target<InferInput<H[K]>, InferOutput<H[K]>> {
  const declared = contract._handlers[handler];
  return {
    service: contract.name,
    handler,
    ...(key === undefined ? {} : { key }),
    ...(declared?._inputSerde === undefined ? {} : { inputSerde: declared._inputSerde }),
    ...(declared?._outputSerde === undefined ? {} : { outputSerde: declared._outputSerde }),
  };
}

/** When a message is delivered, and what makes a repeat of it recognizable. */
export interface SendOptions {
  readonly delayMs?: number;
  readonly idempotencyKey?: string;
}

/**
 * The only operations a workflow may perform besides pure computation.
 *
 * Each one is recorded. When the process dies the workflow starts again from its first line, and recorded operations
 * return what they returned before. Names are compared on replay: renaming a step ends running workflows.
 */
export interface Durable {
  /**
   * Runs `action` at least once, then records its result for every replay.
   *
   * A final fault is recorded and thrown at once. Anything else is tried again within the options' bounds and then
   * becomes a fault `unavailable` without any internal text.
   */
  run<T>(name: string, action: StepAction<T>, options?: StepOptions): Promise<T>;
  /** Suspends the workflow without holding a process. */
  sleep(name: string, ms: number): Promise<void>;
  /** The time this line was first reached, in milliseconds since the epoch. */
  now(): Promise<number>;
  /** Calls another service exactly once and waits for its answer. Its faults keep their code and public text. */
  call<I, O>(to: Target<I, O>, input: I): Promise<O>;
  /** Hands a message over exactly once, without waiting for it to be processed. */
  send<I>(to: Target<I, unknown>, input: I, options?: SendOptions): Promise<void>;
}

/** State that belongs to one key of an object. Writes are applied in the order of the program. */
export interface DurableState {
  get<T>(key: string): Promise<T | undefined>;
  set<T>(key: string, value: T & ([T] extends [Journaled<T>] ? unknown : never)): void;
  clear(key: string): void;
}

/** A handler of a keyed object: no other exclusive handler of the same key runs meanwhile. */
export interface DurableObject extends Durable, DurableState {
  readonly key: string;
}

/** The first of the two: the answer, or a signal. */
export type Raced<O> =
  | { readonly kind: "answered"; readonly value: O }
  | { readonly kind: "signalled"; readonly signal: string };

/** The main handler of a workflow. Signals are set once, by its shared handlers, and stay set. */
export interface DurableWorkflow extends DurableObject {
  /** True if `signal` has been set. */
  isSet(signal: string): Promise<boolean>;
  /** Waits until one of `signals` is set and returns it, or `undefined` after `timeoutMs`. */
  waitFor(signals: readonly string[], timeoutMs: number): Promise<string | undefined>;
  /** Calls, but stops waiting and cancels the call as soon as one of `signals` is set. */
  callUnless<I, O>(to: Target<I, O>, input: I, signals: readonly string[]): Promise<Raced<O>>;
}

/** The effects that a shared handler of a workflow may have: look, and set signals. */
export interface DurableShared {
  readonly key: string;
  get<T>(key: string): Promise<T | undefined>;
  /** Sets a signal. Setting it again is harmless. */
  signal(name: string): Promise<void>;
}
