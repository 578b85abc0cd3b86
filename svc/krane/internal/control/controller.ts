import { Semaphore, WakeSignal } from "../../../../pkg/async/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";
import type { Reporter } from "./reporter.ts";

/** Takes the result of a change; an empty text means applied. It is called again when a later attempt has another result. */
export type Settle = (error: string) => void;

/** A desired state of any kind has the name of its resource in the runtime. */
export interface Named {
  readonly name: string;
}

/** The observed state for the report. */
export interface Observed<C> {
  readonly content: C;
  /** When to reconcile again; absent: after a change of the runtime. */
  readonly againMs?: number;
  /** The desired state could not be reached, for this reason; the content is to be reported all the same. */
  readonly failure?: unknown;
  /** The content is not complete yet, and the last report stays. */
  readonly isSettling?: true;
}

/** Runs a task as one of a bounded number. */
export type Limit = <T>(task: () => Promise<T>) => Promise<T>;

/** Acts on one kind of resource. Calls are idempotent, and one at a time per resource. */
export interface Actor<D, C> {
  /** For logs. */
  readonly noun: string;
  reconcile(desired: D, signal: AbortSignal): Promise<Observed<C>>;
  /** Removes all traces. The parts that cost something run in `limit`; waiting for what ends in its own time does not. */
  remove(name: string, signal: AbortSignal, limit: Limit): Promise<void>;
}

type Target<D> = { readonly kind: "apply"; readonly desired: D } | { readonly kind: "delete" };

export interface ControllerOptions<D, C> {
  readonly actor: Actor<D, C>;
  readonly reporter: Reporter<C>;
  readonly clock: Clock;
  readonly log: Logger;
  /** The wait between the report of a removal and the removal. */
  readonly drainMs: number;
  /** Resources applied at a time; by default as many as one machine can do. */
  readonly appliesMax?: number;
  /**
   * Each desired state is reported when it is reached, also without a change. The control plane forgets the instances of a
   * stopped deployment, and an agent that receives stop and start as one change sees no difference.
   */
  readonly alwaysReport?: boolean;
}

const APPLIES_MAX = 8;
const REMOVALS_MAX = 32;
const RETRY_FIRST_MS = 500;
const RETRY_MS_MAX = 60_000;
/** A removal waits so long for its report: an unreachable control plane must not keep apps alive. */
const REPORT_MS_MAX = 10_000;

interface Worker<D> {
  target: Target<D>;
  /** Changes up to `target`; all of them are settled with it. */
  pending: Settle[];
  failed: Settle[];
  failures: number;
  readonly wake: WakeSignal;
  /** Ends the drain before a removal when the target changes. */
  changed: AbortController;
}

/**
 * Holds the desired state of all resources of one kind and makes it so: in order per resource, in parallel across them.
 * A resource that fails is retried with back-off and blocks no other.
 */
export class Controller<D extends Named, C> {
  readonly #options: ControllerOptions<D, C>;
  readonly #workers = new Map<string, Worker<D>>();
  readonly #applies: Semaphore;
  readonly #removals = new Semaphore({ permits: REMOVALS_MAX });
  readonly #tasks = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  #revision = 0;

  constructor(options: ControllerOptions<D, C>) {
    this.#options = options;
    this.#applies = new Semaphore({ permits: options.appliesMax ?? APPLIES_MAX });
  }

  /** Changes whenever `desired()` may have changed. */
  get revision(): number {
    return this.#revision;
  }

  /** Resources that are acted on now, and those that wait until others have ended. */
  get queue(): { readonly running: number; readonly waiting: number } {
    return {
      running: this.#applies.running + this.#removals.running,
      waiting: this.#applies.waiting + this.#removals.waiting,
    };
  }

  apply(desired: D, settle: Settle): void {
    this.#take(desired.name, { kind: "apply", desired }, settle);
  }

  delete(name: string, settle: Settle): void {
    this.#take(name, { kind: "delete" }, settle);
  }

  /** Reconciles a resource soon, or all of them. */
  changed(name: string | undefined): void {
    if (name !== undefined) return this.#workers.get(name)?.wake.wake();
    for (const worker of this.#workers.values()) worker.wake.wake();
  }

  desired(): D[] {
    return [...this.#workers.values()].flatMap(({ target }) =>
      target.kind === "apply" ? [target.desired] : []
    );
  }

  /** Undefined for a resource that is being removed. */
  find(name: string): D | undefined {
    const target = this.#workers.get(name)?.target;
    return target?.kind === "apply" ? target.desired : undefined;
  }

  /** True also for a resource that is being removed. */
  has(name: string): boolean {
    return this.#workers.has(name);
  }

  /** Stops reconciling; running resources go on. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#tasks);
  }

  #take(name: string, target: Target<D>, settle: Settle): void {
    if (this.#stop.signal.aborted) return;
    this.#revision++;
    const known = this.#workers.get(name);
    if (known !== undefined) {
      known.pending.push(settle);
      // A removal under way also serves another request for it.
      if (target.kind === "delete" && known.target.kind === "delete") return known.wake.wake();
      known.target = target;
      known.failures = 0;
      known.changed.abort();
      known.changed = new AbortController();
      return known.wake.wake();
    }
    const worker: Worker<D> = {
      target,
      pending: [settle],
      failed: [],
      failures: 0,
      wake: new WakeSignal(this.#options.clock),
      changed: new AbortController(),
    };
    this.#workers.set(name, worker);
    const task = this.#run(name, worker).finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  async #run(name: string, worker: Worker<D>): Promise<void> {
    const { actor, log, reporter, alwaysReport = false } = this.#options;
    const signal = this.#stop.signal;
    let reported: Target<D> | undefined;
    while (!signal.aborted) {
      worker.wake.clear();
      const { target } = worker;
      const settles = worker.pending.splice(0);
      let againMs: number | undefined;
      try {
        if (target.kind === "apply") {
          const { desired } = target;
          const observed = await this.#applies.run(() => actor.reconcile(desired, signal));
          if (worker.target === target && observed.isSettling !== true) {
            reporter.submit(name, observed.content, { force: alwaysReport && target !== reported });
            reported = target;
          }
          if (observed.failure !== undefined) throw observed.failure;
          againMs = observed.againMs;
        } else if (!await this.#remove(name, worker)) {
          worker.pending.unshift(...settles);
          continue;
        }
        worker.failures = 0;
        const removed = target.kind === "delete" && worker.target === target;
        if (removed) settles.push(...worker.pending.splice(0));
        for (const settle of [...worker.failed.splice(0), ...settles]) settle("");
        if (removed) return void this.#workers.delete(name);
      } catch (error) {
        if (signal.aborted) return;
        againMs = backoffMs(++worker.failures, RETRY_FIRST_MS, RETRY_MS_MAX);
        log.warn(`${actor.noun} quarantined`, {
          name,
          attempt: worker.failures,
          retry_ms: Math.round(againMs),
          error: describeError(error),
        });
        worker.failed.push(...settles);
        for (const settle of settles) settle(describeError(error));
      }
      if (worker.target === target && worker.pending.length === 0) {
        await worker.wake.wait(againMs, signal);
      }
    }
  }

  /** Reports the removal, waits until the edges have left, then removes. Returns false when the target has changed. */
  async #remove(name: string, worker: Worker<D>): Promise<boolean> {
    const { actor, clock, drainMs, log, reporter } = this.#options;
    const signal = AbortSignal.any([this.#stop.signal, worker.changed.signal]);
    const { target } = worker;
    reporter.submit(name, undefined);
    if (!await reporter.delivered(name, REPORT_MS_MAX, signal) && !signal.aborted) {
      log.warn("removal goes on unreported", { kind: actor.noun, name });
    }
    await clock.sleep(drainMs, signal).catch(() => undefined);
    this.#stop.signal.throwIfAborted();
    if (worker.target !== target) return false;
    await actor.remove(name, this.#stop.signal, (task) => this.#removals.run(task));
    return true;
  }
}
