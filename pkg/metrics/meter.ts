import type { Clock } from "../clock/mod.ts";
import { Fault } from "../fault/mod.ts";
import { counter, gauge, histogram, type Labels, type Metrics, WORK_SECONDS } from "./types.ts";
import type { CounterSpec, HistogramSpec } from "./types.ts";

/** Runs a unit of work and counts it: its end as a code, and the time that it took. */
export type Meter = <T>(work: () => Promise<T>) => Promise<T>;

/** Counts nothing. */
export const NO_METER: Meter = <T>(work: () => Promise<T>): Promise<T> => work();

/** The code of a failure: that of a fault, `cancelled` for an abort, `internal` for everything else. */
export function codeOf(error: unknown): string {
  if (error instanceof Fault) return error.code;
  return error instanceof Error && error.name === "AbortError" ? "cancelled" : "internal";
}

/** A meter of work whose ends are counted in `ends`, and whose times in `seconds`. */
export function meterOf<L extends string>(
  metrics: Metrics,
  { ends, seconds }: { readonly ends: CounterSpec<L | "code">; readonly seconds: HistogramSpec<L> },
): (labels: Labels<L>) => Meter {
  const counted = metrics.counter(ends);
  const timed = metrics.histogram(seconds);
  return (labels) => async (work) => {
    const startedAtMs = performance.now();
    let code = "ok";
    try {
      return await work();
    } catch (error) {
      code = codeOf(error);
      throw error;
    } finally {
      counted.add({ ...labels, code }, 1);
      timed.observe(labels, (performance.now() - startedAtMs) / 1_000);
    }
  };
}

/** Numbers of everything that a process does again and again. */
export const LOOP_METRICS = {
  ends: counter("unkey_loop_runs_total", "Runs of a loop by the code of their end; ok: it did its work.", [
    "loop",
    "code",
  ]),
  seconds: histogram("unkey_loop_run_seconds", "Time of one run of a loop.", WORK_SECONDS, ["loop"]),
  succeeded: gauge(
    "unkey_loop_last_success_timestamp_seconds",
    "End of the last run of a loop that did its work, in seconds since 1970.",
    ["loop"],
  ),
};

/** Meters of loops by name. */
export function loopMeters(metrics: Metrics, clock: Clock): (loop: string) => Meter {
  const meter = meterOf(metrics, LOOP_METRICS);
  const succeeded = metrics.gauge(LOOP_METRICS.succeeded);
  return (loop) => {
    const run = meter({ loop });
    return async (work) => {
      const result = await run(work);
      succeeded.set({ loop }, clock.now() / 1_000);
      return result;
    };
  };
}
