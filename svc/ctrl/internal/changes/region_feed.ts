import type { Semaphore } from "../../../../pkg/async/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError, Fault } from "../../../../pkg/fault/mod.ts";
import { findRegionVersion } from "../store/mod.ts";
import type { FeedEvent } from "./definition.ts";
import { type Batch, type FeedSource, readBatch, readSnapshot, type Snapshot } from "./read.ts";
import { Subscriber } from "./subscriber.ts";

export interface RegionFeedOptions {
  readonly clock: Clock;
  /** Bounds the reads of all feeds together. */
  readonly reading: Semaphore;
}

type Heartbeat = Extract<FeedEvent<never>, { kind: "heartbeat" }>;

/** Batches that are kept for streams a little behind; a stream further behind reads for itself. */
const BATCHES_MAX = 128;
const ENTRIES_MAX = 2_000;
/** A snapshot is kept for streams that start together, and used while nothing changed. */
const SNAPSHOT_KEPT_MS = 2_000;
/** A read that fails is repeated with the next poll; then the streams end, with their cursors unmoved. */
const FAILURES_MAX = 3;

/**
 * Keeps the latest batches, without a gap between them, for any number of streams.
 *
 * `head` is the version up to which the batches go. It moves only by `advance`, one read at a time.
 */
export class RegionFeed<T> {
  readonly #source: FeedSource<T>;
  readonly #options: RegionFeedOptions;
  readonly #subscribers = new Set<Subscriber>();
  readonly #catchingUp = new Map<number, Promise<Batch<T> | undefined>>();
  #batches: Batch<T>[] = [];
  #entries = 0;
  #head: number | undefined;
  #advancing: Promise<void> | undefined;
  #wanted = 0;
  #failures = 0;
  #reading: Promise<Snapshot<T>> | undefined;
  #nextReading: Promise<Snapshot<T>> | undefined;
  #heartbeat: Heartbeat | undefined;
  #snapshot: { readonly snapshot: Snapshot<T>; readonly atMs: number } | undefined;

  constructor(source: FeedSource<T>, options: RegionFeedOptions) {
    this.#source = source;
    this.#options = options;
  }

  get region(): string {
    return this.#source.region;
  }

  /** Adds a stream; `beat` sends a heartbeat while the stream waits. */
  join(beat?: () => boolean): Subscriber {
    const subscriber = new Subscriber(this.#options.clock, this.#subscribers.size, beat);
    this.#subscribers.add(subscriber);
    return subscriber;
  }

  /** Removes a stream. Nothing is kept after the last one. */
  leave(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    if (this.#subscribers.size === 0) this.#forget();
  }

  /** The heartbeat of streams at `cursor`: the same object for all of them, so that it is encoded once. */
  heartbeat(cursor: number): Heartbeat {
    if (this.#heartbeat?.version !== cursor) this.#heartbeat = { kind: "heartbeat", version: cursor };
    return this.#heartbeat;
  }

  /** The batch to continue with from `cursor`; `"current"`: there is none yet; `"behind"`: not kept. */
  after(cursor: number): Batch<T> | "current" | "behind" {
    if (this.#head === undefined) return "behind";
    if (cursor >= this.#head) return "current";
    const oldest = this.#batches[0];
    if (oldest === undefined || cursor < oldest.after) return "behind";
    return this.#batches.find((batch) => batch.to > cursor) ?? "behind";
  }

  /** True when a stream can begin at `cursor` without a query. */
  knows(cursor: number): boolean {
    const start = this.#batches[0]?.after ?? this.#head;
    return this.#head !== undefined && start !== undefined && start <= cursor && cursor <= this.#head;
  }

  /** Reads changes that are not kept. `undefined`: the stream needs a snapshot. */
  async catchUp(cursor: number): Promise<Batch<T> | undefined> {
    let reading = this.#catchingUp.get(cursor);
    if (reading === undefined) {
      reading = this.#options.reading.run(() => readBatch(this.#source, cursor))
        .finally(() => this.#catchingUp.delete(cursor));
      this.#catchingUp.set(cursor, reading);
    }
    const batch = await reading;
    if (batch !== undefined) this.#head ??= batch.to;
    return batch;
  }

  /**
   * The live state, not older than this call: a client that comes back must not get a state older than its own, or it would
   * delete resources that were created since.
   */
  async snapshot(): Promise<Snapshot<T>> {
    const kept = this.#snapshot?.snapshot;
    if (kept !== undefined) {
      const version = await findRegionVersion(this.#source.db.kysely, this.region);
      if (version === kept.version) return kept;
    }
    const reading = this.#reading === undefined ? this.#readSnapshot() : this.#readAfter(this.#reading);
    const snapshot = await reading;
    this.#head ??= snapshot.version;
    return snapshot;
  }

  #readSnapshot(): Promise<Snapshot<T>> {
    const reading = this.#options.reading.run(() => readSnapshot(this.#source))
      .finally(() => this.#reading = undefined);
    this.#reading = reading;
    reading.then((snapshot) => {
      if (this.#subscribers.size > 0) this.#snapshot = { snapshot, atMs: this.#options.clock.now() };
    }, () => undefined);
    return reading;
  }

  /** One more read, shared by all callers since `running` began. */
  #readAfter(running: Promise<unknown>): Promise<Snapshot<T>> {
    this.#nextReading ??= running.catch(() => undefined).then(() => {
      this.#nextReading = undefined;
      return this.#readSnapshot();
    });
    return this.#nextReading;
  }

  /** Takes the version that the poll found. Returns the read that it started, if any. */
  observe(version: number): Promise<void> | undefined {
    const nowMs = this.#options.clock.now();
    if (this.#snapshot !== undefined && nowMs - this.#snapshot.atMs > SNAPSHOT_KEPT_MS) {
      this.#snapshot = undefined;
    }
    if (this.#head === undefined || this.#subscribers.size === 0) return undefined;
    if (version < this.#head) {
      // Only a restored backup goes back. The state of the streams is worthless now.
      this.fail(new Fault("unavailable", `the feed of "${this.region}" went back to ${version}`));
      return undefined;
    }
    this.#wanted = version;
    if (version === this.#head || this.#advancing !== undefined) return undefined;
    this.#advancing = this.#advance().finally(() => this.#advancing = undefined);
    return this.#advancing;
  }

  /** Sends heartbeats where they are due; none while the feed cannot be read: then streams must look dead. */
  beat(heartbeatMs: number): void {
    if (this.#failures > 0) return;
    const nowMs = this.#options.clock.now();
    for (const subscriber of this.#subscribers) subscriber.beat(nowMs, heartbeatMs);
  }

  /** Ends all streams. */
  fail(error: unknown): void {
    for (const subscriber of this.#subscribers) subscriber.fail(error);
    this.#forget();
  }

  /** Reads up to the version of the last poll. A failed read is repeated after the next poll. */
  async #advance(): Promise<void> {
    while (this.#head !== undefined && this.#head < this.#wanted) {
      const after = this.#head;
      try {
        const batch = await this.#options.reading.run(() => readBatch(this.#source, after));
        // Forgotten, or failed, while reading.
        if (this.#head !== after) return;
        // Compacted while it was watched: each stream detects that, and ends.
        if (batch === undefined) return this.#reset();
        this.#failures = 0;
        this.#append(batch);
      } catch (error) {
        return this.#failed(after, error);
      }
    }
  }

  #failed(after: number, error: unknown): void {
    this.#failures++;
    this.#source.log.warn("feed cannot be read", {
      feed: this.#source.feed.name,
      region: this.region,
      version: after,
      failures: this.#failures,
      error: describeError(error),
    });
    if (this.#failures >= FAILURES_MAX) this.fail(error);
  }

  #append(batch: Batch<T>): void {
    this.#head = batch.to;
    const last = this.#batches.at(-1);
    if (batch.entries.length === 0 && last !== undefined) {
      // Nothing of this feed changed: the last batch still holds.
      this.#batches[this.#batches.length - 1] = { ...last, to: batch.to };
      return;
    }
    this.#batches.push(batch);
    this.#entries += batch.entries.length;
    while (this.#batches.length > 1 && (this.#batches.length > BATCHES_MAX || this.#entries > ENTRIES_MAX)) {
      this.#entries -= this.#batches.shift()?.entries.length ?? 0;
    }
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const subscriber of this.#subscribers) subscriber.wake();
  }

  #reset(): void {
    this.#forget();
    this.#wakeAll();
  }

  #forget(): void {
    this.#batches = [];
    this.#entries = 0;
    this.#head = undefined;
    this.#failures = 0;
    this.#snapshot = undefined;
  }
}
