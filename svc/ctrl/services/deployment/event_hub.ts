import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";
import { type CtrlDatabase, listEventHeads } from "../../internal/store/mod.ts";

export interface EventHubOptions {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pollMs?: number;
}

interface Waiter {
  readonly id: string;
  readonly after: number;
  readonly deadlineMs: number;
  readonly resolve: () => void;
}

const POLL_MS = 150;
const POLL_MS_MAX = 5_000;
/** Deployments asked for in one statement. */
const BATCH = 500;

/**
 * Wakes watches of deployments that have new events. One per process, with one query per poll for any number of watches,
 * and none without a watch. A wake within the process saves the wait for the next poll.
 */
export class EventHub {
  readonly #options: EventHubOptions;
  readonly #waiters = new Set<Waiter>();
  #wake: () => void = () => undefined;

  constructor(options: EventHubOptions) {
    this.#options = options;
  }

  /** Polls until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, pollMs = POLL_MS } = this.#options;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.#poll();
        failures = 0;
      } catch (error) {
        failures++;
        log.warn("event poll failed", { error: describeError(error) });
      }
      this.#expire();
      const waitMs = failures === 0 ? pollMs : backoffMs(failures, pollMs, POLL_MS_MAX);
      await this.#pause(signal, this.#waiters.size === 0 ? undefined : clock.sleep(waitMs, signal));
    }
    for (const { resolve } of this.#waiters) resolve();
    this.#waiters.clear();
  }

  /** Polls now. */
  changed(): void {
    this.#wake();
  }

  /** Returns when `id` has an event after `after`, when `limitMs` have passed, or when `signal` aborts. */
  async wait(
    id: string,
    after: number,
    { limitMs, signal }: { readonly limitMs: number; readonly signal: AbortSignal },
  ): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { id, after, deadlineMs: this.#options.clock.now() + limitMs, resolve };
    const wasIdle = this.#waiters.size === 0;
    this.#waiters.add(waiter);
    if (wasIdle) this.#wake();
    signal.addEventListener("abort", resolve as () => void, { once: true });
    await promise;
    signal.removeEventListener("abort", resolve as () => void);
    this.#waiters.delete(waiter);
  }

  async #poll(): Promise<void> {
    const ids = [...new Set(Array.from(this.#waiters, ({ id }) => id))];
    for (let start = 0; start < ids.length; start += BATCH) {
      const heads = await listEventHeads(this.#options.db.kysely, ids.slice(start, start + BATCH));
      const sequences = new Map(heads.map(({ id, sequence }) => [id, sequence]));
      for (const waiter of this.#waiters) {
        if ((sequences.get(waiter.id) ?? 0) > waiter.after) waiter.resolve();
      }
    }
  }

  #expire(): void {
    const now = this.#options.clock.now();
    for (const waiter of this.#waiters) if (waiter.deadlineMs <= now) waiter.resolve();
  }

  /** Waits for a wake or the end of `sleep`; without one, for a wake only. */
  async #pause(signal: AbortSignal, sleep: Promise<void> | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    signal.addEventListener("abort", resolve as () => void, { once: true });
    // A sleep that is cut short by the signal ends the loop.
    const slept = sleep?.catch(() => undefined);
    await (slept === undefined ? promise : Promise.race([promise, slept]));
    signal.removeEventListener("abort", resolve as () => void);
  }
}
