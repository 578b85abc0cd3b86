import { IdleAbort } from "../../pkg/async/mod.ts";
import type { Clock } from "../../pkg/clock/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";

/** A stream that was idle for too long was left. */
export type StreamEnd = "ended" | "idle";

/** A stream may be idle for these times: until its first message, and between two. */
export interface IdleLimits {
  readonly firstMsMax: number;
  readonly betweenMsMax: number;
}

/**
 * Hands over the messages of a stream until it ends or is idle for too long.
 *
 * @throws the stream's error; `deadline_exceeded` when not even one message came
 */
export async function readStream<T>(
  open: (signal: AbortSignal) => AsyncIterable<T>,
  { clock, signal, limits }: {
    readonly clock: Clock;
    readonly signal: AbortSignal;
    readonly limits: IdleLimits;
  },
  onMessage: (message: T) => void,
): Promise<StreamEnd> {
  using idle = new IdleAbort({ clock, idleMs: limits.firstMsMax, signal });
  let count = 0;
  try {
    for await (const message of open(idle.signal)) {
      idle.reset(limits.betweenMsMax);
      count++;
      onMessage(message);
    }
    return "ended";
  } catch (error) {
    if (!idle.isExpired || signal.aborted) throw error;
    if (count > 0) return "idle";
    throw publicFault("deadline_exceeded", `nothing came within ${limits.firstMsMax} ms`, error);
  }
}
