/** One line's place in the output of its instance. */
export interface LinePlace {
  /** Nanoseconds since the epoch; never before that of the line before. */
  readonly timeNs: bigint;
  /** Tells apart lines with the same time. */
  readonly ordinal: number;
}

/**
 * The place up to which the output of an instance was read. A runtime gives lines from a time on, and so gives the lines
 * of that time again, in the same order.
 */
export class OutputPosition {
  #lastNs: bigint | undefined;
  /** Lines with the last time. */
  #count = 0;
  #reading: {
    readonly since: bigint | undefined;
    /** Lines of that time that are still to come again. */
    known: number;
    isReached: boolean;
  };

  /** @param lastNs the time from which on lines are wanted; `undefined`: all lines */
  constructor(lastNs: bigint | undefined) {
    this.#lastNs = lastNs;
    this.#reading = { since: lastNs, known: 0, isReached: false };
  }

  get lastNs(): bigint | undefined {
    return this.#lastNs;
  }

  /** A reading begins at the last time. */
  begin(): void {
    this.#reading = { since: this.#lastNs, known: this.#count, isReached: false };
  }

  /**
   * The place of the next line of the reading; `undefined` for one that was read before. A clock that was set back gives
   * lines the time of the line before them, so that their order is kept.
   */
  take(timeNs: bigint): LinePlace | undefined {
    const reading = this.#reading;
    const { since = -1n } = reading;
    if (!reading.isReached && timeNs < since) return undefined;
    reading.isReached = true;
    if (timeNs === since && reading.known > 0) {
      reading.known--;
      return undefined;
    }
    return this.insert(timeNs);
  }

  /** The place of a line of the agent's own, which is in no reading. */
  insert(timeNs: bigint): LinePlace {
    const last = this.#lastNs;
    if (last === undefined || timeNs > last) [this.#lastNs, this.#count] = [timeNs, 0];
    return { timeNs: this.#lastNs ?? timeNs, ordinal: this.#count++ };
  }
}
