import { advanceLogCursor, type InstanceLogsTable, isAfterCursor, type LogCursor } from "../store/mod.ts";
import { BATCH, type LogFeed, type Reader } from "./feed.ts";

/** The position of one who has to read for itself first. */
export const BEHIND = -1;

/** One who follows a deployment's output; to be disposed of when it ends. */
export class LogFollower implements Reader, AsyncDisposable {
  readonly #feed: LogFeed;
  readonly #leave: () => Promise<void>;
  #cursor: LogCursor;
  #position: number;

  /**
   * @param from its cursor, and the position in the feed at which it goes on behind that, or `BEHIND` when that is not
   * known
   */
  constructor(
    feed: LogFeed,
    { cursor, position }: { readonly cursor: LogCursor; readonly position: number },
    leave: () => Promise<void>,
  ) {
    this.#feed = feed;
    this.#leave = leave;
    this.#cursor = cursor;
    this.#position = position;
  }

  get position(): number {
    return this.#position;
  }

  /**
   * The next lines, those of each instance in order. Without any, it waits for the next look, and may come back empty: a
   * sign that the database answers.
   *
   * @throws the signal's reason, or what reading fails with; the next call goes on where this one did
   */
  async next(signal: AbortSignal): Promise<readonly InstanceLogsTable[]> {
    signal.throwIfAborted();
    const { lines } = this.#feed;
    if (this.#position === lines.end) await unlessAborted(this.#feed.read(), signal);
    const taken = lines.take(this.#position, BATCH);
    if (taken === undefined) return await this.#catchUp();
    this.#position += taken.length;
    return this.#pass(taken);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#leave();
  }

  /** Whoever finds the end has everything that the feed had when the search began. */
  async #catchUp(): Promise<readonly InstanceLogsTable[]> {
    const { end } = this.#feed.lines;
    const lines = await this.#feed.readAfter(this.#cursor);
    this.#position = lines.length < BATCH ? end : BEHIND;
    return this.#pass(lines);
  }

  #pass(lines: readonly InstanceLogsTable[]): readonly InstanceLogsTable[] {
    // What it has read for itself may come from the feed once more.
    const news = lines.filter((line) => isAfterCursor(this.#cursor, line));
    if (news.length > 0) this.#cursor = advanceLogCursor(this.#cursor, news);
    return news;
  }
}

async function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
