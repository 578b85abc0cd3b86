import type { Process } from "../../pkg/cli/mod.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import { retry } from "../../pkg/retry/mod.ts";
import { fromConnectError, isUntrusted } from "../../pkg/rpc/mod.ts";

/** Long enough for a restart of the control plane. */
const ATTEMPTS_MAX = 6;
const FIRST_MS = 250;
const MAX_MS = 4_000;

/** Retries an idempotent call while the control plane does not answer. */
export function retryWhileUnavailable<T>(
  { clock, signal }: Pick<Process, "clock" | "signal">,
  call: () => Promise<T>,
): Promise<T> {
  return retry(call, {
    clock,
    signal,
    attemptsMax: ATTEMPTS_MAX,
    firstMs: FIRST_MS,
    maxMs: MAX_MS,
    // No repetition makes a certificate trusted.
    retryable: (error) =>
      !isUntrusted(error) &&
      isFault(fromConnectError(error), "unavailable", "deadline_exceeded", "rate_limited"),
  });
}
