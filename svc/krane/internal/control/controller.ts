import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";
import { Bell, Slots } from "./bell.ts";
import type { Reporter } from "./reporter.ts";

/** Told how one change went: an empty text means applied. May be called again when a later attempt goes otherwise. */
export type Settle = (error: string) => void;

/** The least that a desired state of any kind has: what the runtime calls it. */
export interface Named {
  readonly name: string;
}

/** What runs now, as it is reported, and when to look again although nothing happened. */
export interface Seen<C> {
  readonly content: C;
  /** Milliseconds; absent: a change will be told. */
  readonly againMs?: number;
}

/** Does what the controller decides, for one kind of resource. Calls are idempotent and take turns per resource. */
export interface Actor<D, C> {
  /** One of its resources, for logs. */
  readonly noun: string;
  reconcile(desired: D, signal: AbortSignal): Promise<Seen<C>>;
  /** Removes all traces. */
  remove(name: string, signal: AbortSignal): Promise<void>;
}

type Target<D> = { readonly kind: "apply"; readonly desired: D } | { readonly kind: "delete" };

export interface ControllerOptions<D, C> {
  readonly actor: Actor<D, C>;
  readonly reporter: Reporter<C>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between the report that a resource goes and its removal. */
  readonly drainMs: number;
  /** How many are applied at a time; as many as a machine does by itself unless given. */
  readonly appliesMax?: number;
  /**
   * Each desired state is reported when it is reached, also if that is what was told before: for what the control plane
   * forgets when it wants it stopped, which a start that comes along with the stop would hide from the agent.
   */
  readonly tellsEachState?: boolean;
}

const APPLIES_MAX = 8;
const REMOVALS_MAX = 32;
const RETRY_FIRST_MS = 500;
const RETRY_MS_MAX = 60_000;
/** How long a removal waits for its report; an unreachable control plane must not keep apps alive. */
const REPORT_MS_MAX = 10_000;

interface Worker<D> {
  target: Target<D>;
  /** Changes that end up in `target`; all of them are settled with it. */
  pending: Settle[];
  failed: Settle[];
  failures: number;
  readonly bell: Bell;
  /** Ends the rest before a removal when the target changes. */
  changed: AbortController;
}

/**
 * Holds the desired state of all resources of one kind and makes it so: in order per resource, in parallel across them.
 * One that fails is tried again with growing pauses and blocks no other.
 */
export class Controller<D extends Named, C> {
  readonly #options: ControllerOptions<D, C>;
  readonly #workers = new Map<string, Worker<D>>();
  readonly #applies: Slots;
  readonly #removals = new Slots(REMOVALS_MAX);
  readonly #tasks = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  #revision = 0;

  constructor(options: ControllerOptions<D, C>) {
    this.#options = options;
    this.#applies = new Slots(options.appliesMax ?? APPLIES_MAX);
  }

  /** Changes whenever `desired()` may have changed. */
  get revision(): number {
    return this.#revision;
  }

  apply(desired: D, settle: Settle): void {
    this.#take(desired.name, { kind: "apply", desired }, settle);
  }

  delete(name: string, settle: Settle): void {
    this.#take(name, { kind: "delete" }, settle);
  }

  /** Something happened to a resource, or to all of them. */
  changed(name: string | undefined): void {
    if (name !== undefined) return this.#workers.get(name)?.bell.ring();
    for (const worker of this.#workers.values()) worker.bell.ring();
  }

  /** The desired states as they are held now. */
  desired(): D[] {
    return [...this.#workers.values()].flatMap(({ target }) =>
      target.kind === "apply" ? [target.desired] : []
    );
  }

  /** The desired state of one resource, unless it should not run. */
  find(name: string): D | undefined {
    const target = this.#workers.get(name)?.target;
    return target?.kind === "apply" ? target.desired : undefined;
  }

  /** The resources that are held, also those that are being removed. */
  has(name: string): boolean {
    return this.#workers.has(name);
  }

  /** Stops working; what runs goes on running. */
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
      // A removal under way is the answer to another wish for it.
      if (target.kind === "delete" && known.target.kind === "delete") return known.bell.ring();
      known.target = target;
      known.failures = 0;
      known.changed.abort();
      known.changed = new AbortController();
      return known.bell.ring();
    }
    const worker: Worker<D> = {
      target,
      pending: [settle],
      failed: [],
      failures: 0,
      bell: new Bell(),
      changed: new AbortController(),
    };
    this.#workers.set(name, worker);
    const task = this.#run(name, worker).finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  async #run(name: string, worker: Worker<D>): Promise<void> {
    const { actor, clock, log, reporter, tellsEachState = false } = this.#options;
    const signal = this.#stop.signal;
    let told: Target<D> | undefined;
    while (!signal.aborted) {
      worker.bell.clear();
      const { target } = worker;
      const settles = worker.pending.splice(0);
      let againMs: number | undefined;
      try {
        if (target.kind === "apply") {
          const { desired } = target;
          const seen = await this.#applies.run(() => actor.reconcile(desired, signal));
          if (worker.target === target) {
            reporter.submit(name, seen.content, { anew: tellsEachState && target !== told });
            told = target;
          }
          againMs = seen.againMs;
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
        await worker.bell.wait(clock, againMs, signal);
      }
    }
  }

  /** Tells the control plane first, waits until the edges have left, then removes. Returns false when it is wanted again. */
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
    await this.#removals.run(() => actor.remove(name, this.#stop.signal));
    return true;
  }
}
