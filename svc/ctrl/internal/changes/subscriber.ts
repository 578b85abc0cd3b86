import { WakeSignal } from "../../../../pkg/async/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";

/** One stream of a feed. It has no queue: it only knows that the stream should look again. */
export class Subscriber {
  readonly #wake: WakeSignal;
  readonly #beat: (() => boolean) | undefined;
  #isBeatDue = false;
  #failure: { readonly error: unknown } | undefined;
  #sentAtMs: number;

  /**
   * @param ordinal spreads the heartbeats of streams that began together
   * @param beat sends a heartbeat while the stream waits; when it returns false, the stream is woken to send it
   */
  constructor(clock: Clock, ordinal: number, beat?: () => boolean) {
    this.#wake = new WakeSignal(clock);
    this.#beat = beat;
    this.#sentAtMs = clock.now() - (ordinal % SPREAD) * SPREAD_MS;
  }

  /** Waits for a wake-up. */
  async wait(): Promise<void> {
    if (this.#failure !== undefined || this.#isBeatDue) return;
    await this.#wake.wait();
  }

  /** Makes the stream look again. */
  wake(): void {
    this.#wake.wake();
  }

  /** Makes the stream send a heartbeat if it sent nothing for `heartbeatMs`. */
  beat(nowMs: number, heartbeatMs: number): void {
    if (nowMs - this.#sentAtMs < heartbeatMs) return;
    this.#sentAtMs = nowMs;
    if (this.#wake.isWaiting && this.#beat?.() === true) return;
    this.#isBeatDue = true;
    this.wake();
  }

  /** True when a heartbeat is due; then the next one is due later. */
  takeBeat(): boolean {
    const due = this.#isBeatDue;
    this.#isBeatDue = false;
    return due;
  }

  /** A message was sent: the next heartbeat is due later. */
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
