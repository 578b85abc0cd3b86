/** Frames that move nothing on, in a row; each one that does takes one away. */
const IDLE_FRAMES_MAX = 1_000;
/** Streams that the client breaks off, or that it makes this side break off: at once, and then per second. */
const RESETS_BURST = 200;
const RESETS_PER_SECOND = 50;

/** Counts what costs this side work and the other side nothing. */
export class FloodGuard {
  readonly #nowMs: () => number;
  #idleFrames = 0;
  #resets = 0;
  #sinceMs: number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
  }

  /** A frame that moves a request or a response on. */
  useful(): void {
    if (this.#idleFrames > 0) this.#idleFrames--;
  }

  /** False when there were too many. */
  idleFrame(): boolean {
    this.#refill();
    return ++this.#idleFrames <= IDLE_FRAMES_MAX;
  }

  /** False when there were too many. */
  reset(): boolean {
    this.#refill();
    return ++this.#resets <= RESETS_BURST;
  }

  #refill(): void {
    const seconds = Math.floor((this.#nowMs() - this.#sinceMs) / 1_000);
    if (seconds <= 0) return;
    this.#sinceMs += seconds * 1_000;
    this.#resets = Math.max(0, this.#resets - seconds * RESETS_PER_SECOND);
    this.#idleFrames = Math.max(0, this.#idleFrames - seconds * 10);
  }
}
