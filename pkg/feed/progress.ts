interface Entry {
  /** The cursor's new value when this entry and all before it are settled; 0: the cursor stays. */
  version: number;
  isSettled: boolean;
}

/**
 * The cursor of a stream: the highest version up to which everything was received and settled, that is, applied or
 * quarantined.
 *
 * The first messages of a new stream may be a part of a snapshot, whose items carry versions in any order: until
 * `receivedUpTo`, they are remembered but move the cursor nowhere.
 */
export class Progress {
  #cursor = 0;
  #observed = 0;
  /** In order of arrival. */
  #entries: Entry[] = [];
  #isHeld = true;

  /** The version to resume after. */
  get cursor(): number {
    return this.#cursor;
  }

  /** The highest version received. */
  get observed(): number {
    return this.#observed;
  }

  /** A stream begins. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Nothing up to this version is missing. */
  receivedUpTo(version: number): void {
    this.#isHeld = false;
    this.begin(version)();
  }

  /** Begins a change; the returned function settles it and may be called again. */
  begin(version: number): () => void {
    this.#observed = Math.max(this.#observed, version);
    const entry: Entry = { version: this.#isHeld ? 0 : version, isSettled: false };
    this.#entries.push(entry);
    return () => {
      entry.isSettled = true;
      this.#advance();
    };
  }

  /** Continues from a stored cursor. */
  resume(cursor: number): void {
    this.#cursor = cursor;
    this.#observed = cursor;
  }

  /** The server's history is another one. Changes under way still hold the cursor back, but move it nowhere. */
  startOver(): void {
    this.#cursor = 0;
    this.#observed = 0;
    for (const entry of this.#entries) entry.version = 0;
  }

  #advance(): void {
    const open = this.#entries.findIndex((each) => !each.isSettled);
    const settled = this.#entries.splice(0, open < 0 ? this.#entries.length : open);
    for (const { version } of settled) this.#cursor = Math.max(this.#cursor, version);
  }
}
