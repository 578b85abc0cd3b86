import { poll } from "../../../../pkg/async/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { type Meter, NO_METER } from "../../../../pkg/metrics/mod.ts";

export interface LoopDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Counts the runs; its label is the name of the loop. */
  readonly meter?: Meter;
}

/** Repeats a sweep until `signal` aborts, and logs failures; `everyMsMax` bounds the wait after several of them. */
export async function repeat(
  { clock, log, meter = NO_METER }: LoopDeps,
  signal: AbortSignal,
  everyMs: number,
  sweep: () => Promise<void>,
  everyMsMax?: number,
): Promise<void> {
  await poll(() => meter(sweep), {
    clock,
    signal,
    everyMs,
    ...(everyMsMax === undefined ? {} : { everyMsMax }),
    onError: (error, failures) => log.warn("sweep failed", { error: describeError(error), failures }),
  });
}
