import { WakeSignal } from "../../../../pkg/async/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";

/** The ends of one instance's output that the runtime has, besides the stream of its lines. */
export interface OutputEnds {
  /** The time of the first line that the runtime still has; `undefined`: it has none. */
  firstNs(signal: AbortSignal): Promise<bigint | undefined>;
  /** The time of the last one. */
  lastNs(signal: AbortSignal): Promise<bigint | undefined>;
}

/** A stream without a line for so long is compared with the runtime's last line. */
const CHECK_FIRST_MS = 5_000;
/** The interval doubles up to this one as long as nothing is printed. */
const CHECK_MS_MAX = 60_000;
/** A line that was printed just now may still be on its way. */
const CONFIRM_MS = 1_000;
const NANOSECONDS = 1_000_000n;

/**
 * The runtime's last line at the last stall of an instance. A runtime may give the last piece of a long line a time of
 * its own, which no stream of lines reaches: it is a reason to begin anew only once.
 */
export interface StallMemory {
  lastNs?: bigint | undefined;
}

/** The state in which a stream begins. */
export interface StallStart {
  /** The time of the last line that was read before. */
  readonly readNs: bigint | undefined;
  readonly memory: StallMemory;
}

/**
 * Finds a stream of output that stands still although the instance prints. The rotation of an engine's log files can
 * overtake a reader; its stream then stays open, and gives nothing any more (moby/moby#37646).
 */
export class StallCheck {
  readonly #clock: Clock;
  readonly #ends: OutputEnds;
  readonly #wake: WakeSignal;
  #intervalMs = CHECK_FIRST_MS;
  readonly #memory: StallMemory;
  #readNs: bigint | undefined;
  #aheadNs: bigint | undefined;
  #lines = 0;

  constructor(clock: Clock, ends: OutputEnds, { readNs, memory }: StallStart) {
    this.#clock = clock;
    this.#ends = ends;
    this.#wake = new WakeSignal(clock);
    this.#readNs = readNs;
    this.#memory = memory;
  }

  /** A line came from the stream. */
  took(timeNs: bigint): void {
    this.#readNs = timeNs;
    this.#lines++;
    // A long interval ends with the first line of a burst.
    if (this.#intervalMs > CHECK_FIRST_MS) this.#wake.wake();
  }

  /** Resolves with true when the stream stands still, and with false when the signal aborts. */
  async untilStalled(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const lines = this.#lines;
      await this.#wake.wait(this.#intervalMs, signal);
      if (signal.aborted) break;
      if (lines !== this.#lines) {
        this.#intervalMs = CHECK_FIRST_MS;
        continue;
      }
      this.#intervalMs = Math.min(2 * this.#intervalMs, CHECK_MS_MAX);
      if (!await this.#isBehind(signal)) continue;
      await this.#clock.sleep(CONFIRM_MS, signal).catch(() => undefined);
      if (lines !== this.#lines || signal.aborted) continue;
      this.#memory.lastNs = this.#aheadNs;
      return true;
    }
    return false;
  }

  async #isBehind(signal: AbortSignal): Promise<boolean> {
    try {
      const lastNs = await this.#ends.lastNs(signal);
      this.#aheadNs = lastNs;
      return lastNs !== undefined && lastNs > (this.#readNs ?? -1n) && lastNs !== this.#memory.lastNs;
    } catch (error) {
      // An engine that does not answer is not a stream that stands still.
      if (signal.aborted || isFault(error)) return false;
      throw error;
    }
  }
}

/**
 * The line in place of those that the runtime has removed before they were read, or `undefined` when it still has all of
 * them. Its time is just before the first line that is there.
 */
export async function gapAfter(
  readNs: bigint | undefined,
  ends: OutputEnds,
  signal: AbortSignal,
): Promise<{ readonly timeNs: bigint; readonly text: string } | undefined> {
  const firstNs = await ends.firstNs(signal);
  if (readNs === undefined || firstNs === undefined || firstNs <= readNs) return undefined;
  const timeNs = firstNs - 1n > readNs ? firstNs - 1n : readNs;
  const text = `(unkey: the output between ${timeText(readNs)} and ${timeText(firstNs)} is missing: ` +
    "the app printed it faster than it could be read)";
  return { timeNs, text };
}

function timeText(timeNs: bigint): string {
  return new Date(Number(timeNs / NANOSECONDS)).toISOString();
}
