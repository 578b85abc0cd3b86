import { Semaphore, WakeSignal } from "../../../../pkg/async/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError, Fault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import {
  codeOf,
  type Counter,
  type Histogram,
  type Metrics,
  NO_METRICS,
} from "../../../../pkg/metrics/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";
import { type CtrlDatabase, findRegionVersions } from "../store/mod.ts";
import type { Feed, FeedEvent } from "./definition.ts";
import { FEED_METRICS } from "./metrics.ts";
import type { ChangeNotifier } from "./nudger.ts";
import type { Entry } from "./read.ts";
import { RegionFeed } from "./region_feed.ts";

export interface ChangeHubOptions {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  /** The interval of polls, which find changes of other processes. */
  readonly pollMs?: number;
  /** A stream without messages for so long gets a heartbeat. */
  readonly heartbeatMs?: number;
  readonly metrics?: Metrics | undefined;
}

export interface WatchOptions {
  readonly region: string;
  /** The client's cursor; 0 asks for a snapshot. */
  readonly sinceVersion: number;
  readonly signal: AbortSignal;
}

/**
 * The last two steps to a stream's client. The hub knows both, so that nothing else waits for the next message: each
 * generator in between costs memory, once for each stream, and again with each heartbeat.
 */
export interface Delivery<T, M> {
  /** `undefined`: the client does not see the event. */
  readonly toMessage: (event: FeedEvent<T>) => M | undefined;
  /** Sends a heartbeat while the stream waits. Returns false when it cannot. */
  readonly sendNow?: ((message: M) => boolean) | undefined;
}

const POLL_MS = 200;
/** Without changes for so long, polls come half as often; a nudge is as quick as before. */
const RESTED_AFTER_MS = 10_000;
const POLL_MS_MAX = 2_000;
/** A slow database is polled less: polls take a fifth of the time at most. */
const POLL_SHARE = 4;
const HEARTBEAT_MS = 3_000;
/** Commits within this time are read together. */
const GATHER_MS = 8;
const READS_MAX = 4;

/**
 * Polls the versions of all regions that have had streams, with one query for any number of streams. Without streams it does
 * not poll.
 * A commit in this process, or a nudge from another, makes it look at once; a lost nudge costs one poll.
 */
export class ChangeHub implements ChangeNotifier {
  readonly #options: ChangeHubOptions;
  readonly #reading = new Semaphore({ permits: READS_MAX });
  readonly #feeds = new Map<Feed<unknown>, Map<string, RegionFeed<unknown>>>();
  readonly #reads = new Set<Promise<void>>();
  readonly #wake: WakeSignal;
  #isStopped = false;
  #streams = 0;
  #failures = 0;
  #versions: ReadonlyMap<string, number> = new Map();
  #changedAtMs = 0;
  readonly #polls: Counter<"code">;
  readonly #pollSeconds: Histogram<never>;

  constructor(options: ChangeHubOptions) {
    this.#options = options;
    this.#wake = new WakeSignal(options.clock);
    const { metrics = NO_METRICS } = options;
    this.#polls = metrics.counter(FEED_METRICS.polls);
    this.#pollSeconds = metrics.histogram(FEED_METRICS.pollSeconds);
    const streams = metrics.gauge(FEED_METRICS.streams);
    const versions = metrics.gauge(FEED_METRICS.versions);
    metrics.onScrape("change hub", () => {
      streams.set({}, this.#streams);
      versions.replace([...this.#versions].map(([region, value]) => ({ labels: { region }, value })));
    });
  }

  /** Open streams. */
  get streams(): number {
    return this.#streams;
  }

  /** Makes the hub poll now. Call it after the commit. */
  changed(_regions: readonly string[]): void {
    this.#wake.wake();
  }

  /** Polls until `signal` aborts; then ends all streams and waits for its reads. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.changed([]);
    signal.addEventListener("abort", stop, { once: true });
    try {
      while (!signal.aborted) {
        const waitMs = this.#streams === 0 ? undefined : await this.#poll();
        if (!signal.aborted) await this.#sleep(waitMs);
      }
    } finally {
      signal.removeEventListener("abort", stop);
      this.#isStopped = true;
      const error = stopping();
      for (const feed of this.#all()) feed.fail(error);
      await Promise.all(this.#reads);
    }
  }

  /**
   * Streams the state of a region and its changes until `signal` aborts.
   *
   * @throws `unavailable` when the database cannot be read, changes after the cursor were compacted, or the process stops;
   * the client resumes from its cursor
   */
  async *watch<T, M>(
    feed: Feed<T>,
    options: WatchOptions,
    { toMessage, sendNow }: Delivery<T, M>,
  ): AsyncGenerator<M, void, undefined> {
    if (this.#isStopped) throw stopping();
    const shared = this.#feedOf(feed, options.region);
    let cursor: number | undefined = options.sinceVersion > 0 ? options.sinceVersion : undefined;
    const subscriber = shared.join(
      sendNow === undefined ? undefined : () => {
        // Changes that this stream does not show still move its cursor.
        if (cursor === undefined || shared.after(cursor) !== "current") return false;
        const beat = toMessage(shared.heartbeat(cursor));
        return beat === undefined || sendNow(beat);
      },
    );
    const stream = { toMessage, signal: options.signal };
    const wake = (): void => subscriber.wake();
    options.signal.addEventListener("abort", wake, { once: true });
    this.#streams++;
    if (this.#streams === 1) this.changed([]);
    try {
      let [isKnown, isBegun] = [false, false];
      while (!options.signal.aborted) {
        subscriber.throwIfFailed();
        if (cursor === undefined) {
          const snapshot = await shared.snapshot();
          yield* this.#send(snapshot.entries, -1, stream);
          if (options.signal.aborted) return;
          cursor = snapshot.version;
          isKnown = isBegun = true;
          const end = toMessage({
            kind: "snapshot_end",
            version: cursor,
            resources: snapshot.entries.length,
          });
          if (end !== undefined) yield end;
          subscriber.sent(this.#options.clock.now());
          continue;
        }
        isKnown ||= shared.knows(cursor);
        const kept = isKnown ? shared.after(cursor) : "behind";
        if (kept === "current") {
          isBegun = true;
          if (subscriber.takeBeat()) {
            const beat = toMessage(shared.heartbeat(cursor));
            if (beat !== undefined) yield beat;
          } else await subscriber.wait();
          continue;
        }
        const batch = kept === "behind" ? await shared.catchUp(cursor) : kept;
        // A snapshot can only come first: later, a client could not separate it from the changes before it.
        if (batch === undefined && isBegun) throw compacted();
        isKnown = isBegun = true;
        const isSent = yield* this.#send(batch?.entries ?? [], cursor, stream);
        if (isSent) subscriber.sent(this.#options.clock.now());
        cursor = batch?.to;
      }
    } finally {
      options.signal.removeEventListener("abort", wake);
      this.#streams--;
      shared.leave(subscriber);
    }
  }

  /**
   * Sends entries above `cursor`. Returns false when the client saw none of them. A client that reads slowly stops here,
   * and gets the rest coalesced.
   */
  *#send<T, M>(
    entries: readonly Entry<T>[],
    cursor: number,
    { toMessage, signal }: { toMessage: (event: FeedEvent<T>) => M | undefined; signal: AbortSignal },
  ): Generator<M, boolean, undefined> {
    let isSent = false;
    for (const entry of entries) {
      if (signal.aborted) break;
      if (entry.version <= cursor) continue;
      const message = toMessage(entry);
      if (message === undefined) continue;
      isSent = true;
      yield message;
    }
    return isSent;
  }

  /** Polls once. Returns the wait until the next poll, in milliseconds. */
  async #poll(): Promise<number> {
    const { db, clock, log, pollMs = POLL_MS, heartbeatMs = HEARTBEAT_MS } = this.#options;
    const startedMs = clock.now();
    try {
      const versions = await findRegionVersions(db.kysely, this.#regions());
      if (this.#failures > 0) log.info("changes can be read again", { failures: this.#failures });
      this.#failures = 0;
      if (!sameVersions(versions, this.#versions)) this.#changedAtMs = startedMs;
      this.#versions = versions;
      for (const feed of this.#all()) {
        this.#track(feed.observe(versions.get(feed.region) ?? 0));
        feed.beat(heartbeatMs);
      }
      const tookMs = clock.now() - startedMs;
      this.#polls.add({ code: "ok" });
      this.#pollSeconds.observe({}, tookMs / 1_000);
      const isRested = startedMs - this.#changedAtMs > RESTED_AFTER_MS;
      return Math.min(POLL_MS_MAX, Math.max(isRested ? pollMs * 2 : pollMs, tookMs * POLL_SHARE));
    } catch (error) {
      this.#failures++;
      this.#polls.add({ code: codeOf(error) });
      if (this.#failures === 1) log.warn("changes cannot be read", { error: describeError(error) });
      return backoffMs(this.#failures, pollMs * 2, POLL_MS_MAX);
    }
  }

  /** Waits for the next poll; with `undefined`, until a stream begins. */
  async #sleep(ms: number | undefined): Promise<void> {
    if (!await this.#wake.wait(ms)) return;
    await this.#options.clock.sleep(GATHER_MS);
    this.#wake.clear();
  }

  #track(read: Promise<void> | undefined): void {
    if (read === undefined) return;
    this.#reads.add(read);
    read.finally(() => this.#reads.delete(read));
  }

  #regions(): readonly string[] {
    return [...new Set([...this.#all()].map(({ region }) => region))];
  }

  *#all(): Generator<RegionFeed<unknown>> {
    for (const regions of this.#feeds.values()) yield* regions.values();
  }

  #feedOf<T>(feed: Feed<T>, region: string): RegionFeed<T> {
    const regions = this.#feeds.get(feed) ?? new Map<string, RegionFeed<unknown>>();
    this.#feeds.set(feed, regions);
    const { db, clock, log } = this.#options;
    const shared = regions.get(region) ??
      new RegionFeed<unknown>({ db, log, feed, region }, { clock, reading: this.#reading });
    regions.set(region, shared);
    // Found by the identity of `feed`, whose kinds make the messages.
    return shared as RegionFeed<T>;
  }
}

function sameVersions(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  if (a.size !== b.size) return false;
  for (const [region, version] of a) if (b.get(region) !== version) return false;
  return true;
}

function compacted(): Fault {
  return new Fault("unavailable", "changes were compacted before a stream had them", {
    publicMessage: "The changes that this stream lacks are not kept any more. Connect again.",
  });
}

function stopping(): Fault {
  return new Fault("unavailable", "the process is stopping", {
    publicMessage: "The server is restarting. Connect again.",
  });
}
