import type { Clock } from "../../../../pkg/clock/mod.ts";

/** So many wrong passwords of a client for one environment are looked at; more come one each so many milliseconds. */
const BURST = 10;
const REFILL_MS = 10_000;
const CLIENTS_MAX = 10_000;

interface Level {
  /** Guesses that count still, at `atMs`. */
  count: number;
  atMs: number;
}

/** Slows down clients that try passwords. Each edge counts for itself. */
export class Guesses {
  readonly #clock: Clock;
  /** In the order of their last tries. */
  readonly #levels = new Map<string, Level>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts a password that may be wrong. The time in seconds to wait first, when there were too many. */
  take(client: string): number | undefined {
    const nowMs = this.#clock.now();
    const level = this.#levels.get(client);
    const count = level === undefined
      ? 0
      : Math.max(0, level.count - Math.max(0, nowMs - level.atMs) / REFILL_MS);
    if (count + 1 > BURST) return Math.ceil((count + 1 - BURST) * REFILL_MS / 1_000);
    this.#levels.delete(client);
    const oldest = this.#levels.size >= CLIENTS_MAX ? this.#levels.keys().next().value : undefined;
    if (oldest !== undefined) this.#levels.delete(oldest);
    this.#levels.set(client, { count: count + 1, atMs: nowMs });
    return undefined;
  }

  /** The password was right, or could not be looked at. */
  give(client: string): void {
    const level = this.#levels.get(client);
    if (level === undefined) return;
    level.count -= 1;
    if (level.count <= 0) this.#levels.delete(client);
  }
}
