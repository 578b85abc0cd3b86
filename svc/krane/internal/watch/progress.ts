interface Entry {
  /** Where the cursor goes when this and all before it are settled; 0: nowhere. */
  readonly version: number;
  settled: boolean;
}

/**
 * How far the agent is: the cursor is the highest version up to which everything was received and settled, that is,
 * applied or quarantined.
 *
 * What a new stream sends first may be a part of a snapshot, whose items carry versions in any order: until `release`
 * says that nothing is missing, it is remembered but moves the cursor nowhere.
 */
export class Progress {
  #cursor: number;
  #observed: number;
  /** In order of arrival. */
  #entries: Entry[] = [];
  #held = false;
  #heldVersion = 0;

  constructor(cursor: number) {
    this.#cursor = cursor;
    this.#observed = cursor;
  }

  /** Where to resume. */
  get cursor(): number {
    return this.#cursor;
  }

  /** The highest version received. */
  get observed(): number {
    return this.#observed;
  }

  /** A stream begins. */
  hold(): void {
    this.#held = true;
    this.#heldVersion = 0;
  }

  /** Everything up to the versions seen in this stream has been received. Harmless when repeated. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#entries.push({ version: this.#heldVersion, settled: true });
    this.#advance();
  }

  /** Begins a change; the returned function settles it and may be called again. */
  begin(version: number): () => void {
    this.#observed = Math.max(this.#observed, version);
    if (this.#held) this.#heldVersion = Math.max(this.#heldVersion, version);
    const entry: Entry = { version: this.#held ? 0 : version, settled: false };
    this.#entries.push(entry);
    return () => {
      entry.settled = true;
      this.#advance();
    };
  }

  /** Takes up where an earlier life of the agent was. */
  resume(cursor: number): void {
    this.#cursor = cursor;
    this.#observed = cursor;
  }

  /** Starts over, because the server's history is another one. */
  reset(): void {
    this.#cursor = 0;
    this.#observed = 0;
    this.#entries = [];
  }

  #advance(): void {
    const open = this.#entries.findIndex((each) => !each.settled);
    const done = this.#entries.splice(0, open < 0 ? this.#entries.length : open);
    for (const { version } of done) this.#cursor = Math.max(this.#cursor, version);
  }
}
