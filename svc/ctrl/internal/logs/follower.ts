import { advanceLogCursor, isAfterCursor, type LogCursor, type LogLine } from "../store/mod.ts";
import { BATCH, type LogFeed, type Reader } from "./feed.ts";

/** The position of a follower that has to read for itself first. */
export const BEHIND = -1;

/** Follows a deployment's output. Dispose of it at the end. */
export class LogFollower implements Reader, AsyncDisposable {
  readonly #feed: LogFeed;
  readonly #leave: () => Promise<void>;
  #cursor: LogCursor;
  #position: number;

  /**
   * @param from its cursor, and the position in the feed after that cursor, or `BEHIND` when it is unknown
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
   * The next lines, those of each instance in order. Without any, it waits for the next read, and may return none: then the
   * database answers.
   *
   * @throws the signal's reason, or the error of the read; the next call continues at the same place
   */
  async next(signal: AbortSignal): Promise<readonly LogLine[]> {
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

  /** At the end, the follower has all lines that the feed had when the read began. */
  async #catchUp(): Promise<readonly LogLine[]> {
    const { end } = this.#feed.lines;
    const { lines, more } = await this.#feed.readAfter(this.#cursor);
    this.#position = more ? BEHIND : end;
    return this.#pass(lines);
  }

  #pass(lines: readonly LogLine[]): readonly LogLine[] {
    // Lines that the follower has read for itself may come from the feed once more.
    const fresh = lines.filter((line) => isAfterCursor(this.#cursor, line));
    if (fresh.length > 0) this.#cursor = advanceLogCursor(this.#cursor, fresh);
    return fresh;
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
