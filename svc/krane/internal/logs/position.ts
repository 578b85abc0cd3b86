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
  /** The place of the last line, also of one of the agent's own. */
  #placeNs: bigint | undefined;
  /** Lines at that time. */
  #placed = 0;
  /** The time of the last line that was read, and the lines that were read of it. */
  #readNs: bigint | undefined;
  #read = 0;
  #reading: {
    readonly since: bigint | undefined;
    /** Lines of that time that are still to come again. */
    known: number;
    isReached: boolean;
  };

  /** @param lastNs the time from which on lines are wanted; `undefined`: all lines */
  constructor(lastNs: bigint | undefined) {
    this.#placeNs = this.#readNs = lastNs;
    this.#reading = { since: lastNs, known: 0, isReached: false };
  }

  /** The time of the last line that was read; lines of the agent's own do not move it. */
  get lastNs(): bigint | undefined {
    return this.#readNs;
  }

  /** A reading begins at the last time. */
  begin(): void {
    this.#reading = { since: this.#readNs, known: this.#read, isReached: false };
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
    if (this.#readNs === undefined || timeNs > this.#readNs) [this.#readNs, this.#read] = [timeNs, 0];
    this.#read++;
    return this.insert(timeNs);
  }

  /** The place of a line of the agent's own, which is in no reading. */
  insert(timeNs: bigint): LinePlace {
    const last = this.#placeNs;
    if (last === undefined || timeNs > last) [this.#placeNs, this.#placed] = [timeNs, 0];
    return { timeNs: this.#placeNs ?? timeNs, ordinal: this.#placed++ };
  }
}
