const SECONDS_MAX = 60 * 60 * 24 * 30;
/** The form of a date that names no zone. */
const ASCTIME = /^[a-z]{3} [a-z]{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/i;

/**
 * The time that a Retry-After header names, in seconds from `nowMs` or as a date (RFC 9110, section 10.2.3); `undefined`
 * when it names none. At most 30 days ahead.
 */
export function parseRetryAfter(header: string | null | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d{1,10}$/.test(text)) return nowMs + Math.min(Number(text), SECONDS_MAX) * 1_000;
  const atMs = Date.parse(ASCTIME.test(text) ? `${text} GMT` : text);
  // A bare number with a sign or a fraction is a date to some parsers.
  if (!/[a-z]/i.test(text) || Number.isNaN(atMs)) return undefined;
  return Math.min(Math.max(atMs, nowMs), nowMs + SECONDS_MAX * 1_000);
}
