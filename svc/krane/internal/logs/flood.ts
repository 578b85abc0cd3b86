/** An engine rotates its log files at 10 MB each: a reader that is not within one of them can be overtaken unseen. */
const FLOOD_BYTES = 4_000_000;
const WINDOW_MS = 10_000;

/** Finds out that an instance prints so fast that the rotation of log files may overtake a reader that follows it. */
export class FloodMeter {
  #bytes = 0;
  #sinceMs: number | undefined;

  /** Returns true when more came within the last seconds than a follower can be trusted with. */
  took(bytes: number, nowMs: number): boolean {
    if (this.#sinceMs === undefined || nowMs - this.#sinceMs >= WINDOW_MS) {
      [this.#sinceMs, this.#bytes] = [nowMs, 0];
    }
    this.#bytes += bytes;
    return this.#bytes > FLOOD_BYTES;
  }
}
