/** The flags that say how requests move in steps: those of a promote, and of a deploy. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { UsageError } from "../../pkg/cli/mod.ts";
import { type ConfigOf, field, parsedSchema, switchField } from "../../pkg/config/mod.ts";
import type { GradualSettingsSchema } from "../../proto/gen/ctrl/v1/gradual_switch_pb.ts";
import { optionalDurationField } from "./duration_field.ts";

const DAY_MS = 86_400_000;
const PERCENT_MAX = 99;
const STEPS_MAX = 10;
const EVERY_MS = 120_000;

/** Those of a promote, and of a deploy. */
export const PROMOTE_STEPS_FIELDS = fieldsOf("UNKEY_PROMOTE");
export const DEPLOY_STEPS_FIELDS = fieldsOf("UNKEY_DEPLOY");

/** `env` begins the names of their variables. */
function fieldsOf(env: string) {
  return {
    gradual: switchField({
      flag: "gradual",
      env: `${env}_GRADUAL`,
      help: "Move the requests in steps, as long as the deployment does no worse than the live one.",
    }),
    steps: field({
      flag: "steps",
      env: `${env}_STEPS`,
      placeholder: "<percents>",
      help: "With --gradual: growing shares of the requests, before all of them. Default: 10,50.",
      schema: parsedSchema(
        readSteps,
        `must be up to ${STEPS_MAX} growing numbers from 1 to ${PERCENT_MAX}, e.g. 10,50`,
      ),
    }),
    everyMs: optionalDurationField(DAY_MS, {
      flag: "every",
      env: `${env}_EVERY`,
      help: "With --gradual: the time of each step, e.g. 30s, 2m or 1h. Default: 2m.",
    }),
    hold: switchField({
      flag: "hold",
      env: `${env}_HOLD`,
      help: 'With --gradual: each step waits for "unkey promote <deployment> --next".',
    }),
    sticky: switchField({
      flag: "sticky",
      env: `${env}_STICKY`,
      help: "With --gradual: a browser stays with its version, by a cookie.",
    }),
  };
}

function readSteps(text: string): readonly number[] | undefined {
  const steps = text.split(",").map((each) => /^ *[0-9]{1,2} *%? *$/.test(each) ? parseInt(each, 10) : NaN);
  const grow = steps.every((each, at) => each > (steps[at - 1] ?? 0) && each <= PERCENT_MAX);
  return grow && steps.length <= STEPS_MAX ? steps : undefined;
}

/** The settings for a deploy; `undefined`: its traffic moves at once. @throws `UsageError` for flags that do not go together */
export function gradualOf(
  { gradual, steps, everyMs, hold, sticky }: ConfigOf<typeof DEPLOY_STEPS_FIELDS>,
): MessageInitShape<typeof GradualSettingsSchema> | undefined {
  refuseHoldWithEvery({ hold, everyMs });
  if (gradual) return stepsOf({ steps, everyMs, hold, sticky });
  if (steps === undefined && everyMs === undefined && !hold && !sticky) return undefined;
  throw new UsageError("--steps, --every, --hold and --sticky need --gradual.");
}

/** Steps as they are asked for. */
export interface StepsSettings {
  readonly steps: readonly number[] | undefined;
  readonly everyMs: number | undefined;
  readonly hold: boolean;
  readonly sticky: boolean;
}

/** The fields of a request with the defaults of the command line: two minutes for each step. */
export function stepsOf(
  { steps, everyMs, hold, sticky }: StepsSettings,
): { readonly steps: number[]; readonly everyMs: bigint; readonly sticky: boolean } {
  return { steps: [...(steps ?? [])], everyMs: BigInt(hold ? 0 : everyMs ?? EVERY_MS), sticky };
}

/** @throws `UsageError` */
export function refuseHoldWithEvery({ hold, everyMs }: Pick<StepsSettings, "hold" | "everyMs">): void {
  if (hold && everyMs !== undefined) throw new UsageError("--hold and --every exclude each other.");
}
