const HOUR_MS = 60 * 60_000;
/** The part of the time between the renewal and the end after which a renewal is late. */
const LATE_AFTER = 1 / 3;
/** A first certificate is late when it takes so long. */
const LATE_FIRST_MS = HOUR_MS;

/** True when an operator should look: a renewal that should be long done, or a first certificate that does not come. */
export function isLate(
  { renewAtMs, notAfterMs, wantedSinceMs }: {
    readonly renewAtMs: number | undefined;
    readonly notAfterMs: number | undefined;
    readonly wantedSinceMs: number;
  },
  nowMs: number,
): boolean {
  if (renewAtMs === undefined || notAfterMs === undefined) return nowMs > wantedSinceMs + LATE_FIRST_MS;
  return nowMs > renewAtMs + (notAfterMs - renewAtMs) * LATE_AFTER;
}
