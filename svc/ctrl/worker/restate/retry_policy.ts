import type { RetryPolicy } from "@restatedev/restate-sdk/fetch";

/**
 * Retries of attempts that ended without a result, as those of a process that died; a failure
 * inside a step is retried there. The intervals are short, so that a run goes on within two seconds after the
 * worker is back; at the longest interval the attempts last for more than a day, an outage longer than any restart.
 */
export const RETRY_POLICY = {
  initialInterval: 50,
  exponentiationFactor: 2,
  maxInterval: 1_500,
  maxAttempts: 60_000,
} as const satisfies RetryPolicy;
