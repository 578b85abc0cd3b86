import type { AcmeLimits } from "../../internal/store/mod.ts";

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** https://letsencrypt.org/docs/rate-limits, as of 2026. */
const LETS_ENCRYPT: AcmeLimits = {
  orders: { max: 300, windowMs: 3 * HOUR_MS },
  domain: { max: 50, windowMs: 7 * DAY_MS },
  duplicate: { max: 5, windowMs: 7 * DAY_MS },
  failures: { max: 5, windowMs: HOUR_MS },
};

/** The published limits of an authority; `undefined` when they are not known, and its own answers decide. */
export function limitsOf(directoryUrl: string): AcmeLimits | undefined {
  return new URL(directoryUrl).hostname.endsWith("-v02.api.letsencrypt.org") ? LETS_ENCRYPT : undefined;
}
