import type { FeedChange } from "./types.ts";

/** The state of one stream. It is complete when nothing that came before is missing. */
export class Session<C> {
  /** Resources of the messages so far, until the stream is complete. */
  readonly mentioned = new Set<string>();
  /** Changes that were older than the known state, until the stream is complete. */
  readonly refused: FeedChange<C>[] = [];
  #received = 0;
  #isComplete = false;

  constructor(readonly sinceVersion: number) {}

  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Resources received so far; a repeated one counts once. */
  get received(): number {
    return this.#received;
  }

  mention(...resources: readonly string[]): void {
    if (this.#isComplete) return;
    const before = this.mentioned.size;
    for (const each of resources) this.mentioned.add(each);
    if (this.mentioned.size > before) this.#received++;
  }

  mentionUnknown(): void {
    this.#received++;
  }

  refuse(change: FeedChange<C>): void {
    if (!this.#isComplete) this.refused.push(change);
  }

  complete(): void {
    this.#isComplete = true;
    this.mentioned.clear();
    this.refused.length = 0;
  }
}
