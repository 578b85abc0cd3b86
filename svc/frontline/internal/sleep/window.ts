/**
 * Requests that an instance which has just started gets at a time, at first. Servers have backlogs of 5 to 511 connections. The
 * kernel completes a handshake beyond it for the client only: such a request hangs for half a minute.
 */
const FIRST = 4;
/** An answer that took at most twice as long as the fastest one lets one more in; one that took four times as long, one less. */
const QUICK_FACTOR = 2;
const SLOW_FACTOR = 4;
/** Noise of a busy machine. */
const SLACK_MS = 10;
/** An app that answers none for so long, such as one of long polls, gets one more in each interval. */
const QUIET_MS = 1_000;
const QUIET_EVERY_MS = 100;

/** The number of requests that instances get at a time. It follows their answers: those that take longer have waited in a backlog. */
export class Window {
  #size = FIRST;
  /** Let in, and not answered. */
  #running = 0;
  #bestMs = Infinity;
  /** The first request, and the last answer or growth after it. */
  #movedMs = Infinity;

  /** True if another request may go. */
  hasRoom(instances: number): boolean {
    return this.#running < this.#size * instances;
  }

  /** A request goes. Call the result when its answer has begun, or there is none. */
  enter(nowMs: number): (nowMs: number) => void {
    this.#running++;
    this.#movedMs = Math.min(this.#movedMs, nowMs);
    return (settledMs) => this.#settled(settledMs - nowMs, settledMs);
  }

  #settled(tookMs: number, nowMs: number): void {
    this.#running--;
    this.#movedMs = nowMs;
    this.#bestMs = Math.min(this.#bestMs, tookMs);
    if (tookMs <= this.#bestMs * QUICK_FACTOR + SLACK_MS) this.#size++;
    else if (tookMs > this.#bestMs * SLOW_FACTOR + SLACK_MS) this.#size = Math.max(FIRST, this.#size - 1);
  }

  /** Grows a little while no answer comes. */
  tick(nowMs: number): void {
    if (nowMs - this.#movedMs < QUIET_MS) return;
    this.#size++;
    this.#movedMs += QUIET_EVERY_MS;
  }
}
