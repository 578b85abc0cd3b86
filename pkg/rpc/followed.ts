/**
 * The answers of a stream, and who wants to know how they end.
 *
 * Interceptors see a stream begin, and have to look at every message of it to see how it ends. Generators around it would
 * do, but each costs memory for as long as the stream waits, a thousand times over. So they follow it instead: whoever
 * reads the answers reads them from their source, and tells the followers when it has.
 */
export class FollowedStream<T> implements AsyncIterable<T> {
  readonly source: AsyncIterable<T>;
  readonly #ended: (error: unknown) => unknown;

  /** @param ended is told once what the stream failed with (`undefined`: it did not), and says what the client is shown */
  constructor(source: AsyncIterable<T>, ended: (error: unknown) => unknown) {
    this.source = source;
    this.#ended = ended;
  }

  /** To be called by whoever reads `source`. */
  end(error: unknown): unknown {
    return this.#ended(error);
  }

  /** For readers that know nothing of followers. */
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
