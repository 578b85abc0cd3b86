import { SLEEP_SECONDS_MAX, SLEEP_SECONDS_MIN } from "../deployments/sleep.ts";
import { invalid } from "./mod.ts";

/** The value of messages for a deployment that never sleeps; 0 is not set. */
export const NEVER_SLEEPS = -1;

/** The setting, where there is one. @throws `invalid_argument` */
export function sleepSettings(field: string, seconds: number): { readonly sleepSeconds?: number } {
  if (seconds === 0) return {};
  if (seconds === NEVER_SLEEPS) return { sleepSeconds: 0 };
  if (seconds >= SLEEP_SECONDS_MIN && seconds <= SLEEP_SECONDS_MAX) return { sleepSeconds: seconds };
  const rule = `must be between ${SLEEP_SECONDS_MIN} and ${SLEEP_SECONDS_MAX}, or ${NEVER_SLEEPS} for never`;
  throw invalid(field, rule, String(seconds));
}

/** The value of messages. */
export function wireSleep(sleepSeconds: number | undefined): number {
  return sleepSeconds === 0 ? NEVER_SLEEPS : sleepSeconds ?? 0;
}
