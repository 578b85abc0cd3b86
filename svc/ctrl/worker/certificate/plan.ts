/** Waits and deadlines of certificates, as pure functions. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** The first look at an authority's answer; the test authority has it by then. */
const LOOK_FIRST_MS = 100;
const LOOK_MS_MAX = 15 * SECOND_MS;
/** An authority that says nothing for so long is asked again later. */
const LOOKS_MAX = 25;
const RETRY_FIRST_MS = 15 * SECOND_MS;
/** A name whose DNS is mended gets its certificate within this time. */
const RETRY_MS_MAX = 2 * HOUR_MS;
const LIMIT_MS_MIN = MINUTE_MS;
/** The wait before look number `look` (from 0), or `undefined` to stop looking. */
export function lookAfterMs(
  look: number,
  { lookAtMs, nowMs }: { readonly lookAtMs: number | null; readonly nowMs: number },
): number | undefined {
  if (look >= LOOKS_MAX) return undefined;
  const ownMs = Math.min(LOOK_MS_MAX, LOOK_FIRST_MS * 2 ** look);
  // The first two looks are early: most answers take less than the second that is the shortest wait of a header.
  if (look < 2 || lookAtMs === null) return ownMs;
  return Math.min(Math.max(ownMs, lookAtMs - nowMs), 2 * LOOK_MS_MAX);
}

/** The wait after failure number `failures` (from 1); `spread` is between 0 and 1. */
export function retryAfterMs(
  failures: number,
  { atLeastMs, spread }: { readonly atLeastMs: number; readonly spread: number },
): number {
  const wholeMs = Math.min(RETRY_MS_MAX, RETRY_FIRST_MS * 2 ** Math.min(failures - 1, 20));
  return Math.max(atLeastMs, Math.round(wholeMs * (0.5 + spread / 2)));
}

/** The time of the next attempt after a limit. */
export function afterLimitMs(untilMs: number, nowMs: number): number {
  return Math.max(untilMs, nowMs + LIMIT_MS_MIN);
}
