/** The settings of a gradual switch, of a promote or of a deploy. */
import { invalid } from "../../internal/validate/mod.ts";

/** As a caller asks for it. */
export interface RequestedGradual {
  /** None: the default. */
  readonly steps: readonly number[];
  /** 0: a person orders each step. */
  readonly everyMs: number;
  readonly sticky: boolean;
}

export interface CheckedGradual {
  readonly steps: readonly number[];
  /** `undefined`: a person orders each step. */
  readonly everyMs: number | undefined;
  readonly sticky: boolean;
}

const STEPS: readonly number[] = [10, 50];
export const STEPS_MAX = 10;
export const PERCENT_MAX = 99;
export const EVERY_MS_MIN = 1_000;
export const EVERY_MS_MAX = 86_400_000;

/** @throws `invalid_argument`; `prefix` names the message that holds the fields */
export function checkGradual({ steps, everyMs, sticky }: RequestedGradual, prefix = ""): CheckedGradual {
  return {
    steps: checkSteps(`${prefix}steps`, steps),
    everyMs: checkEvery(`${prefix}every_ms`, everyMs),
    sticky,
  };
}

function checkSteps(field: string, given: readonly number[]): readonly number[] {
  const steps = given.length === 0 ? STEPS : given;
  const grow = steps.every((each, at) => each > (steps[at - 1] ?? 0) && each <= PERCENT_MAX);
  if (grow && steps.length <= STEPS_MAX) return steps;
  const rule = `must be up to ${STEPS_MAX} growing shares from 1 to ${PERCENT_MAX} percent`;
  throw invalid(field, rule, steps.join(","));
}

function checkEvery(field: string, everyMs: number): number | undefined {
  if (everyMs === 0) return undefined;
  if (everyMs >= EVERY_MS_MIN && everyMs <= EVERY_MS_MAX) return everyMs;
  throw invalid(field, `must be 0, or between ${EVERY_MS_MIN} and ${EVERY_MS_MAX}`, String(everyMs));
}
