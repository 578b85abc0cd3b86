/**
 * An iterable of answers that reports how it ends, for interceptors.
 *
 * Interceptors see a stream begin, and have to look at every message of it to see how it ends. Generators around it would
 * do, but each costs memory for as long as the stream waits, a thousand times over. So they observe it instead: the
 * reader takes the answers from their source, and calls `end` when it has them all.
 */
export class ObservedStream<T> implements AsyncIterable<T> {
  readonly source: AsyncIterable<T>;
  readonly #ended: (error: unknown) => unknown;

  /** @param ended gets the stream's error once (`undefined`: it ended well), and returns the error for the client */
  constructor(source: AsyncIterable<T>, ended: (error: unknown) => unknown) {
    this.source = source;
    this.#ended = ended;
  }

  /** Called by the reader of `source`. */
  end(error: unknown): unknown {
    return this.#ended(error);
  }

  /** For readers that do not call `end`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    let failure: unknown;
    let shown: unknown;
    try {
      yield* this.source;
    } catch (error) {
      failure = error;
    } finally {
      shown = this.end(failure);
    }
    if (shown !== undefined) throw shown;
  }
}
