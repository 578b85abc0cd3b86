import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError, isFault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";
import { Bell, Slots } from "./bell.ts";

/** One report: what is seen of a resource. */
export interface Told<C> {
  readonly name: string;
  /** `undefined` says that nothing of it is left to connect to. */
  readonly content: C | undefined;
  /** Grows with every report of this agent. */
  readonly generation: number;
}

export interface ReporterOptions<C> {
  /** Delivers one report; throws a fault when it could not. */
  readonly send: (told: Told<C>, signal: AbortSignal) => Promise<void>;
  /**
   * Whether `content` is news after what was sent last; what is none is held back for a second, or a few when many
   * resources are on their way, and not sent when something newer comes. Absent: everything is news.
   */
  readonly isNews?: (content: C, sent: C | undefined) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** Generations begin above it, so that they grow over restarts even when the clock was set back. */
  readonly generationFloor: number;
}

const RETRY_FIRST_MS = 250;
const RETRY_MS_MAX = 15_000;
const PARALLEL_MAX = 16;
const HOLD_BACK_MS = 1_000;
const HOLD_BACK_MS_MAX = 5_000;
/** Each so many resources on their way hold back as long again: then every step takes longer, too. */
const CROWD = 16;

interface Entry<C> {
  content: C | undefined;
  /** What was sent last, delivered or not. */
  sent: C | undefined;
  /** When the newest content is to be sent. */
  dueMs: number;
  fingerprint: string;
  generation: number;
  delivered: boolean;
  failures: number;
  readonly bell: Bell;
  waiters: Bell[];
  active: boolean;
}

/**
 * Tells the control plane what runs: per resource one report at a time, the newest content only, not twice the same,
 * repeated until it is delivered. Many resources that start together take no more than one report each on their way.
 * The generation lets the server refuse what arrives late.
 */
export class Reporter<C> {
  readonly #options: ReporterOptions<C>;
  readonly #entries = new Map<string, Entry<C>>();
  readonly #slots = new Slots(PARALLEL_MAX);
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

  /**
   * Takes the newest content of a resource; delivery goes on in the background. `anew` tells it also when it is what was
   * told before.
   */
  submit(name: string, content: C | undefined, { anew = false }: { readonly anew?: boolean } = {}): void {
    const fingerprint = JSON.stringify(content) ?? "";
    const known = this.#entries.get(name);
    if (known?.fingerprint === fingerprint && !anew) return;
    const entry: Entry<C> = known ?? {
      content,
      sent: undefined,
      dueMs: Infinity,
      fingerprint,
      generation: 0,
      delivered: false,
      failures: 0,
      bell: new Bell(),
      waiters: [],
      active: false,
    };
    this.#entries.set(name, entry);
    entry.content = content;
    entry.fingerprint = fingerprint;
    const { isNews = () => true } = this.#options;
    const urgent = content === undefined || isNews(content, entry.sent) ||
      (anew && isNews(content, undefined));
    this.#renew(name, entry, urgent ? 0 : this.#holdBackMs());
  }

  /** Sends everything again: the server may have lost it, or is another one. */
  resend(): void {
    for (const [name, entry] of this.#entries) this.#renew(name, entry, 0);
  }

  /** Waits until the newest content is delivered, at most `limitMs`. Returns whether it is. */
  async delivered(name: string, limitMs: number, signal: AbortSignal): Promise<boolean> {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.delivered) return true;
    const bell = new Bell();
    entry.waiters.push(bell);
    await bell.wait(this.#options.clock, limitMs, signal);
    return entry.delivered;
  }

  /** Stops delivering and waits until nothing is under way. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#tasks);
  }

  #holdBackMs(): number {
    return Math.min(HOLD_BACK_MS_MAX, HOLD_BACK_MS * (1 + Math.floor(this.#tasks.size / CROWD)));
  }

  #renew(name: string, entry: Entry<C>, waitMs: number): void {
    const now = this.#options.clock.now();
    this.#generation = Math.max(this.#generation + 1, now);
    entry.generation = this.#generation;
    entry.dueMs = Math.min(entry.dueMs, now + waitMs);
    entry.delivered = false;
    entry.bell.ring();
    if (entry.active || this.#stop.signal.aborted) return;
    entry.active = true;
    const task = this.#deliver(name, entry).finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  /** Runs as long as there is something to deliver. */
  async #deliver(name: string, entry: Entry<C>): Promise<void> {
    const { clock, log } = this.#options;
    const signal = this.#stop.signal;
    while (!entry.delivered && !signal.aborted) {
      const waitMs = Math.min(HOLD_BACK_MS_MAX, entry.dueMs - clock.now());
      if (waitMs > 0) {
        await entry.bell.wait(clock, waitMs, signal);
        continue;
      }
      let { generation, content } = entry;
      try {
        await this.#slots.run(() => {
          ({ generation, content } = entry);
          entry.sent = content;
          entry.dueMs = Infinity;
          return this.#options.send({ name, content, generation }, signal);
        });
      } catch (error) {
        if (signal.aborted) break;
        const final = isFault(error, "not_found", "invalid_argument");
        log.warn("report failed", { name, generation, final, error: describeError(error) });
        if (!final) {
          entry.dueMs = clock.now();
          await entry.bell.wait(clock, backoffMs(++entry.failures, RETRY_FIRST_MS, RETRY_MS_MAX), signal);
          continue;
        }
        // The resource is unknown there: what runs of it will be removed by the next snapshot.
      }
      entry.failures = 0;
      if (entry.generation !== generation) continue;
      entry.delivered = true;
      for (const bell of entry.waiters) bell.ring();
      entry.waiters = [];
      // Nothing more will be told of it, unless it comes back.
      if (content === undefined && this.#entries.get(name) === entry) this.#entries.delete(name);
    }
    entry.active = false;
  }
}
