import type { RequestPace } from "../../../../pkg/acme/mod.ts";
import type { AcmeLimits } from "../../internal/store/mod.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** An order is counted here before it is sent, and there when it arrives. */
const ARRIVAL_MS = MINUTE_MS;
/** The authority counts certificates and failures when they come, which is so much later at most. */
const ATTEMPT_MS = 15 * MINUTE_MS;

/** https://letsencrypt.org/docs/rate-limits, as of 2026, with the time between their count and ours. */
const LETS_ENCRYPT = {
  orders: { max: 300, windowMs: 3 * HOUR_MS + ARRIVAL_MS },
  domain: { max: 50, windowMs: 7 * DAY_MS + ATTEMPT_MS },
  duplicate: { max: 5, windowMs: 7 * DAY_MS + ATTEMPT_MS },
  failures: { max: 5, windowMs: HOUR_MS + ATTEMPT_MS },
  accounts: { max: 10, windowMs: 3 * HOUR_MS + ARRIVAL_MS },
} satisfies AcmeLimits;

/** Half of the smallest limit that all calls meet, 20 new nonces a second: two workers may share an address. */
const LETS_ENCRYPT_PACE: RequestPace = { perSecond: 10, burst: 5 };

/** The published limits of an authority; `undefined` when they are not known, and its own answers decide. */
export function limitsOf(directoryUrl: string): AcmeLimits | undefined {
  return isLetsEncrypt(directoryUrl) ? LETS_ENCRYPT : undefined;
}

/** The same for its requests in a second. */
export function paceOf(directoryUrl: string): RequestPace | undefined {
  return isLetsEncrypt(directoryUrl) ? LETS_ENCRYPT_PACE : undefined;
}

function isLetsEncrypt(directoryUrl: string): boolean {
  return new URL(directoryUrl).hostname.endsWith("-v02.api.letsencrypt.org");
}
