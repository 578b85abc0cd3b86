import { WakeSignal } from "../../../../pkg/async/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import {
  advanceLogCursor,
  type CtrlDatabase,
  listInstanceLogsAfter,
  type LogCursor,
  type LogPage,
} from "../store/mod.ts";
import { type BufferBounds, LogBuffer } from "./buffer.ts";

/** Intervals of the reads. */
export interface Pace {
  /** The least time between two reads, also when lines are reported all the time. */
  readonly readMsMin: number;
  /** While there are lines now and then. */
  readonly pollMs: number;
  /** Without lines for a while. */
  readonly pollMsMax: number;
}

export interface FeedOptions {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly deploymentId: string;
  readonly pace: Pace;
  readonly bounds: BufferBounds;
}

export interface Reader {
  /** Lines of the feed that it has taken. */
  readonly position: number;
}

/** Lines of an instance per read. */
export const BATCH = 500;
/** The poll interval is this part of the time without lines. */
const QUIET_SHARE = 5;

/** Reads the lines of one deployment for all of its followers. */
export class LogFeed {
  readonly lines: LogBuffer;
  readonly readers = new Set<Reader>();
  readonly #options: FeedOptions;
  #cursor: LogCursor;
  #reading: Promise<void> | undefined;
  readonly #wake: WakeSignal;
  #isReported = false;
  #isClosed = false;
  /** The last read left some behind. */
  #hasMore = true;
  #readAtMs: number;
  #linesAtMs: number;

  /** @param cursor of the first follower */
  constructor(options: FeedOptions, cursor: LogCursor) {
    this.#options = options;
    this.#cursor = cursor;
    this.#wake = new WakeSignal(options.clock);
    this.lines = new LogBuffer(options.bounds);
    this.#readAtMs = this.#linesAtMs = options.clock.now();
  }

  /** Makes the next read come soon. */
  report(): void {
    this.#isReported = true;
    this.#wake.wake();
  }

  /**
   * Waits for the next read, which all waiters share.
   *
   * @throws the error of the read; no line is skipped
   */
  read(): Promise<void> {
    return this.#reading ??= this.#readWhenDue().finally(() => this.#reading = undefined);
  }

  /** The lines after a cursor, for a follower behind the others. */
  readAfter(cursor: LogCursor): Promise<LogPage> {
    const { db, deploymentId } = this.#options;
    return listInstanceLogsAfter(db.kysely, deploymentId, cursor, BATCH);
  }

  /** Ends the wait for a read, and waits for the end of a read under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake.wake();
    await this.#reading?.catch(() => undefined);
  }

  async #readWhenDue(): Promise<void> {
    const { clock } = this.#options;
    await this.#untilDue();
    if (this.#isClosed) return;
    this.#isReported = false;
    this.#hasMore = false;
    this.lines.forget(this.#reachedByAll());
    try {
      const { lines, more } = await this.readAfter(this.#cursor);
      this.#cursor = advanceLogCursor(this.#cursor, lines);
      this.lines.append(lines);
      this.#hasMore = more;
      if (lines.length > 0) this.#linesAtMs = clock.now();
    } finally {
      this.#readAtMs = clock.now();
    }
  }

  async #untilDue(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#isClosed) {
      const sinceMs = clock.now() - this.#readAtMs;
      const waitMs = this.#waitMs() - sinceMs;
      // A clock that was set back must not lengthen the wait.
      if (waitMs <= 0 || sinceMs < 0) return;
      await this.#wake.wait(waitMs);
    }
  }

  #reachedByAll(): number {
    let least = this.lines.end;
    for (const { position } of this.readers) least = Math.min(least, position);
    return least;
  }

  /** The time from the last read until the next one is due. */
  #waitMs(): number {
    const { pace } = this.#options;
    if (this.#hasMore) return 0;
    if (this.#isReported) return pace.readMsMin;
    const quietMs = this.#readAtMs - this.#linesAtMs;
    return Math.min(pace.pollMsMax, Math.max(pace.pollMs, Math.floor(quietMs / QUIET_SHARE)));
  }
}
