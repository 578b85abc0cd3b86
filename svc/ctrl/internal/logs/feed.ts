import type { Clock } from "../../../../pkg/clock/mod.ts";
import {
  advanceLogCursor,
  type CtrlDatabase,
  type InstanceLogsTable,
  listInstanceLogsAfter,
  type LogCursor,
} from "../store/mod.ts";
import { type BufferBounds, LogBuffer } from "./buffer.ts";

/** How often to read. */
export interface Pace {
  /** The least time between two reads, also when lines are reported all the time. */
  readonly readMsMin: number;
  /** While there are lines now and then. */
  readonly pollMs: number;
  /** Where nothing has come for a while. */
  readonly pollMsMax: number;
}

/** What a feed needs. */
export interface FeedOptions {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly deploymentId: string;
  readonly pace: Pace;
  readonly bounds: BufferBounds;
}

/** How far a follower is. */
export interface Reader {
  /** Up to where it has taken the feed's lines. */
  readonly position: number;
}

/** Of each instance at a time. */
export const BATCH = 500;
/** What has been quiet for so long is looked at after a part of that time. */
const QUIET_SHARE = 5;

/** Reads the lines of one deployment, for all who follow it. */
export class LogFeed {
  readonly lines: LogBuffer;
  readonly readers = new Set<Reader>();
  readonly #options: FeedOptions;
  #cursor: LogCursor;
  #reading: Promise<void> | undefined;
  #sleeping: AbortController | undefined;
  #isReported = false;
  #isClosed = false;
  /** Whether the last read has left something. */
  #isMore = true;
  #readAtMs: number;
  #newsAtMs: number;

  /** @param cursor behind what the first follower has */
  constructor(options: FeedOptions, cursor: LogCursor) {
    this.#options = options;
    this.#cursor = cursor;
    this.lines = new LogBuffer(options.bounds);
    this.#readAtMs = this.#newsAtMs = options.clock.now();
  }

  /** Makes the next read come soon. */
  report(): void {
    this.#isReported = true;
    this.#sleeping?.abort();
  }

  /** Waits for the next read, which all who wait share. @throws what it fails with; nothing is skipped by that */
  read(): Promise<void> {
    return this.#reading ??= this.#readWhenDue().finally(() => this.#reading = undefined);
  }

  /** What is behind a cursor now, for a follower that is not as far as the others. */
  readAfter(cursor: LogCursor): Promise<InstanceLogsTable[]> {
    const { db, deploymentId } = this.#options;
    return listInstanceLogsAfter(db.kysely, deploymentId, cursor, BATCH);
  }

  /** Ends the wait for a read, and waits for the end of one that has begun. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#sleeping?.abort();
    // How it ends interests nobody any more.
    await this.#reading?.catch(() => undefined);
  }

  async #readWhenDue(): Promise<void> {
    const { clock } = this.#options;
    await this.#untilDue();
    if (this.#isClosed) return;
    this.#isReported = false;
    this.#isMore = false;
    this.lines.forget(this.#reachedByAll());
    try {
      const lines = await this.readAfter(this.#cursor);
      this.#cursor = advanceLogCursor(this.#cursor, lines);
      this.lines.append(lines);
      this.#isMore = lines.length >= BATCH;
      if (lines.length > 0) this.#newsAtMs = clock.now();
    } finally {
      this.#readAtMs = clock.now();
    }
  }

  async #untilDue(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#isClosed) {
      const sinceMs = clock.now() - this.#readAtMs;
      const waitMs = this.#waitMs() - sinceMs;
      // A clock that was put back must not keep anybody waiting.
      if (waitMs <= 0 || sinceMs < 0) return;
      this.#sleeping = new AbortController();
      // Rejects only because it was woken.
      await clock.sleep(waitMs, this.#sleeping.signal).catch(() => undefined);
    }
  }

  #reachedByAll(): number {
    let least = this.lines.end;
    for (const { position } of this.readers) least = Math.min(least, position);
    return least;
  }

  /** How long after the last read the next one is due. */
  #waitMs(): number {
    const { pace } = this.#options;
    if (this.#isMore) return 0;
    if (this.#isReported) return pace.readMsMin;
    const quietMs = this.#readAtMs - this.#newsAtMs;
    return Math.min(pace.pollMsMax, Math.max(pace.pollMs, Math.floor(quietMs / QUIET_SHARE)));
  }
}
