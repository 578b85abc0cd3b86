/** The flags of a gradual switch. */
import { type ConfigOf, field, parsedSchema, switchField } from "../../pkg/config/mod.ts";
import { UsageError } from "../../pkg/cli/mod.ts";
import { optionalDurationField } from "../shared/duration_field.ts";

const DAY_MS = 86_400_000;
const PERCENT_MAX = 99;
const STEPS_MAX = 10;
export const EVERY_MS = 120_000;

export const GRADUAL_FIELDS = {
  gradual: switchField({
    flag: "gradual",
    env: "UNKEY_PROMOTE_GRADUAL",
    help: "Move the requests in steps, as long as the deployment does no worse than the live one.",
  }),
  steps: field({
    flag: "steps",
    env: "UNKEY_PROMOTE_STEPS",
    placeholder: "<percents>",
    help: "With --gradual: growing shares of the requests, before all of them. Default: 10,50.",
    schema: parsedSchema(
      readSteps,
      `must be up to ${STEPS_MAX} growing numbers from 1 to ${PERCENT_MAX}, e.g. 10,50`,
    ),
  }),
  everyMs: optionalDurationField(DAY_MS, {
    flag: "every",
    env: "UNKEY_PROMOTE_EVERY",
    help: "With --gradual: the time of each step, e.g. 30s, 2m or 1h. Default: 2m.",
  }),
  hold: switchField({
    flag: "hold",
    env: "UNKEY_PROMOTE_HOLD",
    help: 'With --gradual: each step waits for "unkey promote <deployment> --next".',
  }),
  sticky: switchField({
    flag: "sticky",
    env: "UNKEY_PROMOTE_STICKY",
    help: "With --gradual: a browser stays with its version, by a cookie.",
  }),
  detach: switchField({
    flag: "detach",
    env: "UNKEY_PROMOTE_DETACH",
    help: "With --gradual: end when the first share is committed. The control plane goes on.",
  }),
  next: switchField({
    flag: "next",
    env: "UNKEY_PROMOTE_NEXT",
    help: "Go on to the next step of the gradual switch that runs, now.",
  }),
  abort: switchField({
    flag: "abort",
    env: "UNKEY_PROMOTE_ABORT",
    help: "End the gradual switch that runs: the live deployment gets all requests again.",
  }),
};

type GradualConfig = ConfigOf<typeof GRADUAL_FIELDS>;

function readSteps(text: string): readonly number[] | undefined {
  const steps = text.split(",").map((each) => /^ *[0-9]{1,2} *%? *$/.test(each) ? parseInt(each, 10) : NaN);
  const grow = steps.every((each, at) => each > (steps[at - 1] ?? 0) && each <= PERCENT_MAX);
  return grow && steps.length <= STEPS_MAX ? steps : undefined;
}

/** @throws `UsageError` for flags that do not go together */
export function checkGradual(config: GradualConfig): void {
  const { gradual, steps, everyMs, hold, sticky, detach, next, abort } = config;
  if (next && abort) throw new UsageError("--next and --abort exclude each other.");
  if (hold && everyMs !== undefined) throw new UsageError("--hold and --every exclude each other.");
  const begins = steps !== undefined || everyMs !== undefined || hold || sticky || detach;
  if (begins && (next || abort)) {
    throw new UsageError("--next and --abort are about the gradual switch that runs: its settings stay.");
  }
  if (begins && !gradual) {
    throw new UsageError("--steps, --every, --hold, --sticky and --detach need --gradual.");
  }
}
