/** One stream, as its feed sees it. It queues nothing: it only knows that it should look again. */
export class Subscriber {
  #wake: (() => void) | undefined;
  readonly #beat: (() => boolean) | undefined;
  #isBeatDue = false;
  #failure: { readonly error: unknown } | undefined;
  #sentAtMs: number;

  /**
   * @param ordinal spreads the heartbeats of streams that began together
   * @param beat sends a heartbeat while the stream waits, or answers false: then the stream is woken to do it
   */
  constructor(nowMs: number, ordinal: number, beat?: () => boolean) {
    this.#beat = beat;
    this.#sentAtMs = nowMs - (ordinal % SPREAD) * SPREAD_MS;
  }

  /** Waits until there may be something to do. */
  async wait(): Promise<void> {
    if (this.#failure !== undefined || this.#isBeatDue) return;
    await new Promise<void>((resolve) => this.#wake = resolve);
  }

  /** Makes the stream look again. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Makes the stream send a heartbeat if it sent nothing for `heartbeatMs`. */
  beat(nowMs: number, heartbeatMs: number): void {
    if (nowMs - this.#sentAtMs < heartbeatMs) return;
    this.#sentAtMs = nowMs;
    if (this.#wake !== undefined && this.#beat?.() === true) return;
    this.#isBeatDue = true;
    this.wake();
  }

  /** Whether a heartbeat is due; it is not any more after this. */
  takeBeat(): boolean {
    const due = this.#isBeatDue;
    this.#isBeatDue = false;
    return due;
  }

  /** Notes that something was sent. */
  sent(nowMs: number): void {
    this.#sentAtMs = nowMs;
    this.#isBeatDue = false;
  }

  /** Makes the stream end with this error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.wake();
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

const SPREAD = 10;
const SPREAD_MS = 100;
