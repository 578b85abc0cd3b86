/**
 * Bounded retries with exponential backoff and full jitter.
 *
 * ```ts
 * const answer = await retry((signal) => call(signal), {
 *   clock, signal, attemptsMax: 5, firstMs: 100, maxMs: 5_000, retryable: isTransient,
 * });
 * ```
 *
 * @module
 */
import type { Clock } from "../clock/mod.ts";

export interface RetryOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Attempts in all, the first one included. */
  readonly attemptsMax: number;
  readonly firstMs: number;
  readonly maxMs: number;
  /** True if another attempt can help. Everything is retried by default. */
  readonly retryable?: (error: unknown) => boolean;
  /** Called for each failure that is followed by another attempt. */
  readonly onRetry?: (error: unknown, attempt: number, waitMs: number) => void;
}

/** Runs `action` until it succeeds, fails for good, or has used its attempts; then rethrows the last error. */
export async function retry<T>(action: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 1;; attempt++) {
    options.signal?.throwIfAborted();
    try {
      return await action(attempt);
    } catch (error) {
      const again = attempt < options.attemptsMax && !options.signal?.aborted &&
        (options.retryable?.(error) ?? true);
      if (!again) throw error;
      const waitMs = backoffMs(attempt, options.firstMs, options.maxMs);
      options.onRetry?.(error, attempt, waitMs);
      await options.clock.sleep(waitMs, options.signal);
    }
  }
}

/**
 * The wait before attempt `attempt + 1`: between half of and the whole of `firstMs * 2^(attempt-1)`, at most `maxMs`.
 * Half of it is fixed so that a wait is never zero, half is random so that clients do not come back together.
 */
export function backoffMs(attempt: number, firstMs: number, maxMs: number): number {
  const whole = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return whole / 2 + Math.random() * (whole / 2);
}
