import { Semaphore, WakeSignal } from "../../../../pkg/async/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError, isFault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";

/** The observed state of a resource. */
export interface Report<C> {
  readonly name: string;
  /** `undefined`: nothing of the resource is left to connect to. */
  readonly content: C | undefined;
  /** Grows with every report of this agent. */
  readonly generation: number;
}

export interface ReporterOptions<C> {
  /**
   * Returns the generation of a newer report, when such a one was taken before and this one left out.
   *
   * @throws a fault when the report is not delivered
   */
  readonly send: (report: Report<C>, signal: AbortSignal) => Promise<number | void>;
  /**
   * Returns true for changes that must be sent at once. All others are debounced (1 s, up to 5 s under load) and
   * coalesced. Absent: every change is sent at once.
   */
  readonly mustSendNow?: (content: C, sent: C | undefined) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** Generations begin above it, so that they grow over restarts even when the clock was set back. */
  readonly generationFloor: number;
}

const RETRY_FIRST_MS = 250;
const RETRY_MS_MAX = 15_000;
const PARALLEL_MAX = 16;
const DEBOUNCE_MS = 1_000;
const DEBOUNCE_MS_MAX = 5_000;
/** Each so many reports under way lengthen the debounce by one step: then each start takes longer, too. */
const REPORTS_PER_STEP = 16;

interface Entry<C> {
  content: C | undefined;
  /** The last content sent, delivered or not. */
  sent: C | undefined;
  /** When the newest content is to be sent. */
  dueMs: number;
  fingerprint: string;
  generation: number;
  delivered: boolean;
  failures: number;
  readonly wake: WakeSignal;
  waiters: WakeSignal[];
  isActive: boolean;
}

/**
 * Reports the observed state of resources: per resource one report at a time, the newest content only, not twice the same,
 * repeated until it is delivered. Many resources that start together need no more than one report each until they run.
 * The generation lets the server refuse a report that arrives late.
 */
export class Reporter<C> {
  readonly #options: ReporterOptions<C>;
  readonly #entries = new Map<string, Entry<C>>();
  readonly #sending = new Semaphore({ permits: PARALLEL_MAX });
  readonly #tasks = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #generation: number;

  constructor(options: ReporterOptions<C>) {
    this.#options = options;
    this.#generation = options.generationFloor;
  }

  /** The highest generation handed out so far. */
  get generation(): number {
    return this.#generation;
  }

  /** The newest content of a resource. */
  content(name: string): C | undefined {
    return this.#entries.get(name)?.content;
  }

  /** Takes the newest content of a resource; delivery goes on in the background. `force` repeats the same content. */
  submit(name: string, content: C | undefined, { force = false }: { readonly force?: boolean } = {}): void {
    const fingerprint = JSON.stringify(content) ?? "";
    const known = this.#entries.get(name);
    if (known?.fingerprint === fingerprint && !force) return;
    const entry: Entry<C> = known ?? {
      content,
      sent: undefined,
      dueMs: Infinity,
      fingerprint,
      generation: 0,
      delivered: false,
      failures: 0,
      wake: new WakeSignal(this.#options.clock),
      waiters: [],
      isActive: false,
    };
    this.#entries.set(name, entry);
    entry.content = content;
    entry.fingerprint = fingerprint;
    const { mustSendNow = () => true } = this.#options;
    const isUrgent = content === undefined || mustSendNow(content, entry.sent) ||
      (force && mustSendNow(content, undefined));
    this.#renew(name, entry, isUrgent ? 0 : this.#debounceMs());
  }

  /**
   * Sends again what was sent: the server may have lost it, or is another one. A first report keeps its time: after a start
   * of the agent, apps that run count as starting until their first check, and would lose their traffic.
   */
  resend(): void {
    for (const [name, entry] of this.#entries) {
      if (entry.sent !== undefined || entry.content === undefined) this.#renew(name, entry, 0);
    }
  }

  /** Waits until the newest content is delivered, at most `limitMs`. Returns false when the limit has passed. */
  async delivered(name: string, limitMs: number, signal: AbortSignal): Promise<boolean> {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.delivered) return true;
    const wake = new WakeSignal(this.#options.clock);
    entry.waiters.push(wake);
    await wake.wait(limitMs, signal);
    return entry.delivered;
  }

  /** Stops delivering and waits until nothing is under way. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#tasks);
  }

  #debounceMs(): number {
    const steps = 1 + Math.floor(this.#tasks.size / REPORTS_PER_STEP);
    return Math.min(DEBOUNCE_MS_MAX, DEBOUNCE_MS * steps);
  }

  #renew(name: string, entry: Entry<C>, waitMs: number): void {
    const now = this.#options.clock.now();
    this.#generation = Math.max(this.#generation + 1, now);
    entry.generation = this.#generation;
    entry.dueMs = Math.min(entry.dueMs, now + waitMs);
    entry.delivered = false;
    entry.wake.wake();
    if (entry.isActive || this.#stop.signal.aborted) return;
    entry.isActive = true;
    const task = this.#deliver(name, entry).finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  /** An agent before this one, whose clock is ahead of this one's, has counted further: reports below would all be left out. */
  #goAbove(newer: number, name: string, entry: Entry<C>): void {
    if (newer <= this.#generation) return;
    this.#options.log.warn("an agent before this one has a clock that is ahead", { name, generation: newer });
    this.#generation = newer;
    this.#renew(name, entry, 0);
  }

  /** Runs as long as there is something to deliver. */
  async #deliver(name: string, entry: Entry<C>): Promise<void> {
    const { clock, log } = this.#options;
    const signal = this.#stop.signal;
    while (!entry.delivered && !signal.aborted) {
      const waitMs = Math.min(DEBOUNCE_MS_MAX, entry.dueMs - clock.now());
      if (waitMs > 0) {
        await entry.wake.wait(waitMs, signal);
        continue;
      }
      let { generation, content } = entry;
      try {
        const newer = await this.#sending.run(() => {
          ({ generation, content } = entry);
          entry.sent = content;
          entry.dueMs = Infinity;
          return this.#options.send({ name, content, generation }, signal);
        });
        if (typeof newer === "number") this.#goAbove(newer, name, entry);
      } catch (error) {
        if (signal.aborted) break;
        const final = isFault(error, "not_found", "invalid_argument");
        log.warn("report failed", { name, generation, final, error: describeError(error) });
        if (!final) {
          entry.dueMs = clock.now();
          await entry.wake.wait(backoffMs(++entry.failures, RETRY_FIRST_MS, RETRY_MS_MAX), signal);
          continue;
        }
        // The control plane does not know the resource: the next snapshot removes it here.
      }
      entry.failures = 0;
      if (entry.generation !== generation) continue;
      entry.delivered = true;
      for (const wake of entry.waiters) wake.wake();
      entry.waiters = [];
      // No report follows the last one, unless the resource comes back.
      if (content === undefined && this.#entries.get(name) === entry) this.#entries.delete(name);
    }
    entry.isActive = false;
  }
}
