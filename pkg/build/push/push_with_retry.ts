import type { Clock } from "../../clock/mod.ts";
import type { NotPushed } from "../../docker/mod.ts";
import type { Logger } from "../../logger/mod.ts";
import { backoffMs } from "../../retry/mod.ts";

export interface PushRetryDeps {
  readonly clock: Clock;
  /** Gets the answers of the registry, which users do not see. */
  readonly log: Logger;
  readonly image: string;
  /** Gets lines for the user. */
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

const ATTEMPTS_MAX = 4;
const RETRY_FIRST_MS = 1_000;
const RETRY_MS_MAX = 8_000;
/** Builders retry by themselves for most of a minute: no further attempt begins after this. */
const RETRYING_MS_MAX = 60_000;

/** Pushes, at most four times while the registry does not answer. */
export async function pushWithRetry<T extends { readonly kind: string }>(
  push: (attempt: number) => Promise<T | NotPushed>,
  { clock, log, image, tell, signal }: PushRetryDeps,
): Promise<T | NotPushed> {
  const beganMs = clock.now();
  for (let attempt = 1;; attempt++) {
    const outcome = await push(attempt);
    if (!isNotPushed(outcome)) return outcome;
    log.warn("push failed", { image, attempt, problem: outcome.problem, said: outcome.said });
    const again = outcome.problem === "unavailable" && attempt < ATTEMPTS_MAX &&
      clock.now() - beganMs < RETRYING_MS_MAX;
    if (!again) return outcome;
    tell("the registry does not answer, trying again");
    await clock.sleep(backoffMs(attempt, RETRY_FIRST_MS, RETRY_MS_MAX), signal);
  }
}

function isNotPushed(outcome: { readonly kind: string }): outcome is NotPushed {
  return outcome.kind === "not_pushed";
}
