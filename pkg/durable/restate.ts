/** Runs workflows on Restate. The only module that knows both vocabularies. */
import {
  type Context,
  type GenericCall,
  type ObjectContext,
  type ObjectSharedContext,
  RestatePromise,
  serde,
  TerminalError,
  type WorkflowContext,
  type WorkflowSharedContext,
} from "@restatedev/restate-sdk/fetch";
import type { Clock } from "../clock/mod.ts";
import { describeError, Fault } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { NO_METER } from "../metrics/mod.ts";
import { retry } from "../retry/mod.ts";
import {
  AttemptEnded,
  type Durable,
  type DurableObject,
  type DurableShared,
  type DurableWorkflow,
  type StepOptions,
  type Target,
} from "./durable.ts";
import { fromTerminal, toTerminal } from "./errors.ts";
import type { DurableMetrics } from "./metrics.ts";

export interface RestateDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** The time by which Restate's clock is ahead of this machine's, which the SDK computes the ends of waits by; 0 by default. */
  readonly restateAheadMs?: () => number;
  /** Counts the steps that run now, so that a stopping process can let them end. */
  readonly activity?: StepActivity;
  readonly metrics?: DurableMetrics;
}

/** Lets a stopping process wait until no step is running. */
export class StepActivity {
  #running = 0;
  #waiting: (() => void)[] = [];

  /** Runs `work`, which is the step `name`, and counts it. */
  async track<T>(_name: string, work: () => Promise<T>): Promise<T> {
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
      if (this.#running === 0) this.#waiting.splice(0).forEach((wake) => wake());
    }
  }

  /** Resolves as soon as no step runs. */
  idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** About 80 s of trying: a database that fails over is back by then. */
const STEP_OPTIONS: Required<StepOptions> = { attemptsMax: 30, firstMs: 50, maxMs: 3_000 };

/** Runs a handler of a stateless service. */
export function runService<T>(ctx: Context, deps: RestateDeps, body: (d: Durable) => Promise<T>): Promise<T> {
  return converted(deps, ctx, () => body(service(ctx, deps)));
}

/** Runs an exclusive handler of a keyed object. */
export function runObject<T>(
  ctx: ObjectContext,
  deps: RestateDeps,
  body: (durable: DurableObject) => Promise<T>,
): Promise<T> {
  return converted(deps, ctx, () => body(object(ctx, deps)));
}

/** Runs a shared handler of a keyed object, which may not write the object's state. */
export function runReader<T>(
  ctx: ObjectSharedContext,
  deps: RestateDeps,
  body: (durable: Durable & { readonly key: string }) => Promise<T>,
): Promise<T> {
  return converted(deps, ctx, () => body({ ...service(ctx, deps), key: ctx.key }));
}

/** Runs the main handler of a workflow. */
export function runWorkflow<T>(
  ctx: WorkflowContext,
  deps: RestateDeps,
  body: (durable: DurableWorkflow) => Promise<T>,
): Promise<T> {
  return converted(deps, ctx, () => body(workflow(ctx, deps)));
}

/** Runs a shared handler of a workflow. */
export function runShared<T>(
  ctx: WorkflowSharedContext,
  deps: RestateDeps,
  body: (durable: DurableShared) => Promise<T>,
): Promise<T> {
  const durable: DurableShared = {
    key: ctx.key,
    get: async <V>(key: string) => (await restored(ctx.get<V>(key))) ?? undefined,
    async signal(name) {
      try {
        await ctx.promise<boolean>(name).resolve(true);
      } catch (error) {
        // The only way in which completing a promise fails for good is that it was completed before.
        if (!(error instanceof TerminalError)) throw error;
      }
    },
  };
  return converted(deps, ctx, () => body(durable));
}

function service(ctx: Context, deps: RestateDeps): Durable {
  return {
    run: (name, action, options) => {
      const signal = ctx.request().attemptCompletedSignal;
      return restored(ctx.run(name, () => step(ctx, deps, name, () => action(signal), options)));
    },
    sleep: (name, ms) => restored(ctx.sleep(byRestate(deps, ms), name)),
    now: () => restored(ctx.run("now", () => deps.clock.now())),
    call: (to, input) => restored(ctx.genericCall(callOf(to, input))),
    async send(to, input, options = {}) {
      const { outputSerde: _, ...request } = callOf(to, input);
      const handle = ctx.genericSend({
        ...request,
        ...(options.delayMs === undefined ? {} : { delay: byRestate(deps, options.delayMs) }),
        ...(options.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey }),
      });
      await restored(handle.invocationId);
    },
  };
}

/**
 * A wait of `ms` by Restate's clock, which ends it, in terms of this machine's. Where this machine is ahead, the SDK can say nothing
 * that ends before this machine's time: short waits last longer then, unless a signal ends them.
 */
function byRestate({ restateAheadMs }: RestateDeps, ms: number): number {
  return Math.max(0, ms + (restateAheadMs?.() ?? 0));
}

function object(ctx: ObjectContext, deps: RestateDeps): DurableObject {
  return {
    ...service(ctx, deps),
    key: ctx.key,
    get: async <V>(key: string) => (await restored(ctx.get<V>(key))) ?? undefined,
    set: (key, value) => ctx.set(key, value),
    clear: (key) => ctx.clear(key),
  };
}

function workflow(ctx: WorkflowContext, deps: RestateDeps): DurableWorkflow {
  const signalled = (name: string): RestatePromise<string> =>
    ctx.promise<boolean>(name).get().map(() => name);
  return {
    ...object(ctx, deps),
    isSet: async (signal) => (await restored(ctx.promise<boolean>(signal).peek())) !== undefined,
    waitFor: (signals, timeoutMs) =>
      restored(
        RestatePromise.race<RestatePromise<string | undefined>[]>([
          ...signals.map(signalled),
          ctx.sleep(byRestate(deps, timeoutMs)).map(() => undefined),
        ]),
      ),
    async callUnless<I, O>(to: Target<I, O>, input: I, signals: readonly string[]) {
      type First = { kind: "answered"; value: O } | { kind: "signalled"; signal: string };
      const call = ctx.genericCall(callOf(to, input));
      const answered = call.map((value, failure): First => {
        if (failure !== undefined) throw failure;
        // Restate gives a value whenever it gives no failure; a void answer is `undefined` and is one.
        return { kind: "answered", value: value as O };
      });
      const first = await restored(
        RestatePromise.race<RestatePromise<First>[]>([
          answered,
          ...signals.map((name) => signalled(name).map((): First => ({ kind: "signalled", signal: name }))),
        ]),
      );
      if (first.kind === "signalled") ctx.invocation(await restored(call.invocationId)).cancel();
      return first;
    },
  };
}

// The SDK's types are made without exact optional properties; `jsonSchema` is never read by us.
const JSON_SERDE: Omit<typeof serde.json, "jsonSchema"> = serde.json;

function callOf<I, O>(to: Target<I, O>, parameter: I): GenericCall<I, O> {
  return {
    service: to.service,
    method: to.handler,
    parameter,
    ...(to.key === undefined ? {} : { key: to.key }),
    inputSerde: to.inputSerde ?? JSON_SERDE,
    outputSerde: to.outputSerde ?? JSON_SERDE,
  };
}

/**
 * One step: bounded tries within this attempt.
 *
 * Restate could retry steps by itself, but its counter also counts attempts that ended because a process died, so a step
 * that follows a long outage would have no tries left; and what it reports at the end is the internal text.
 */
async function step<T>(
  ctx: Context,
  deps: RestateDeps,
  name: string,
  action: () => Promise<T>,
  options: StepOptions = {},
): Promise<T> {
  const bounds = { ...STEP_OPTIONS, ...options };
  const signal = ctx.request().attemptCompletedSignal;
  const fields = { step: name, target: ctx.request().target.toString() };
  const meter = deps.metrics?.step(name) ?? NO_METER;
  const run = (): Promise<T> =>
    retry(() => meter(action), {
      clock: deps.clock,
      signal,
      ...bounds,
      retryable: (error) => !(error instanceof Fault) || error.retryable,
      onRetry: (error, attempt, waitMs) =>
        deps.log.warn("step failed, trying again", {
          ...fields,
          attempt,
          waitMs,
          error: describeError(error),
        }),
    });
  try {
    return await (deps.activity === undefined ? run() : deps.activity.track(name, run));
  } catch (error) {
    // The attempt is over; an error from here has no reader, and it must not look final.
    if (signal.aborted) throw new AttemptEnded(`step "${name}" outlived its attempt`);
    if (error instanceof Fault && !error.retryable) throw toTerminal(error);
    deps.log.error("step failed for good", {
      ...fields,
      tries: bounds.attemptsMax,
      error: describeError(error),
    });
    throw toTerminal(new Fault("unavailable", `step "${name}" used up its tries`));
  }
}

/** Every durable await can end in a cancellation, so every one of them restores errors. */
async function restored<T>(promise: PromiseLike<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw fromTerminal(error) ?? new AttemptEnded("the attempt ended", { cause: error });
  }
}

/** Turns what a handler throws into what Restate understands; the one place where it happens. */
async function converted<T>(deps: RestateDeps, ctx: Context, body: () => Promise<T>): Promise<T> {
  const target = ctx.request().target.toString();
  const startedAtMs = deps.clock.now();
  try {
    const result = await body();
    // Of the last attempt only: the ones before it ended without coming here.
    const attemptMs = deps.clock.now() - startedAtMs;
    deps.metrics?.ended(target, "ok", attemptMs);
    deps.log.info("invocation", { target, code: "ok", attempt_ms: attemptMs });
    return result;
  } catch (error) {
    if (error instanceof AttemptEnded) throw error;
    const code = error instanceof Fault ? error.code : "internal";
    deps.metrics?.ended(target, code, deps.clock.now() - startedAtMs);
    if (error instanceof Fault) {
      deps.log.info("invocation", { target, code: error.code, error: describeError(error) });
      throw toTerminal(error);
    }
    // A bug. Trying again would end the same way and would hold the object's key meanwhile.
    deps.log.error("handler threw what is not a fault", { target, error: describeError(error) });
    throw toTerminal(new Fault("internal", "the handler threw what is not a fault", { cause: error }));
  }
}
