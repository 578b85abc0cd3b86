/** Bounds and targets of the number of instances, as flags and `unkey.json` have them. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type ConfigOf, durationText, field, parsedSchema } from "../../pkg/config/mod.ts";
import type { ScalingSettings, ScalingSettingsSchema } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { optionalDurationField } from "./duration_field.ts";

const COUNT_RULE = "must be a whole number from 1 on";
const PERCENT_RULE = "must be percent such as 70 or 70%, from 1 to 100";
const DOWN_MS_MAX = 3_600_000;
const SECOND_MS = 1_000;

function parseCount(text: string): number | undefined {
  return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined;
}

function parsePercent(text: string): number | undefined {
  const [, digits] = /^(\d{1,3})%?$/.exec(text) ?? [];
  const percent = Number(digits);
  return percent >= 1 && percent <= 100 ? percent : undefined;
}

/** The fields of a command that sets how an environment is scaled. */
export const ENVIRONMENT_SCALING_FIELDS = {
  scaleMin: field({
    flag: "min",
    env: "UNKEY_SCALE_MIN",
    placeholder: "<count>",
    help: "The fewest instances in each region. Default: 1.",
    schema: parsedSchema(parseCount, COUNT_RULE),
  }),
  scaleMax: field({
    flag: "max",
    env: "UNKEY_SCALE_MAX",
    placeholder: "<count>",
    help: "The most instances in each region: their number follows the load from now on.",
    schema: parsedSchema(parseCount, COUNT_RULE),
  }),
  scaleCpu: field({
    flag: "target-cpu",
    env: "UNKEY_SCALE_TARGET_CPU",
    placeholder: "<percent>",
    help: "CPU that instances shall use on average, in percent of what each has.",
    schema: parsedSchema(parsePercent, PERCENT_RULE),
  }),
  scaleConcurrency: field({
    flag: "target-concurrency",
    env: "UNKEY_SCALE_TARGET_CONCURRENCY",
    placeholder: "<count>",
    help: "Requests that an instance shall have at a time.",
    schema: parsedSchema(parseCount, COUNT_RULE),
  }),
  scaleDownAfterMs: optionalDurationField(DOWN_MS_MAX, {
    flag: "down-after",
    env: "UNKEY_SCALE_DOWN_AFTER",
    help: "How long fewer instances must be enough until there are fewer. Default: 5m.",
  }),
};

const { scaleMin, scaleMax, scaleCpu, scaleConcurrency, scaleDownAfterMs } = ENVIRONMENT_SCALING_FIELDS;
const DEFAULT = " The environment has its own (unkey scale).";

/** The fields of commands that make a deployment; `unkey.json` has them, too. */
export const SCALING_FIELDS = {
  scaleMin: { ...scaleMin, flag: "scale-min", file: "scaling.min", help: scaleMin.help + DEFAULT },
  scaleMax: { ...scaleMax, flag: "scale-max", file: "scaling.max", help: scaleMax.help + DEFAULT },
  scaleCpu: { ...scaleCpu, flag: "scale-target-cpu", file: "scaling.cpu" },
  scaleConcurrency: {
    ...scaleConcurrency,
    flag: "scale-target-concurrency",
    file: "scaling.concurrency",
  },
  scaleDownAfterMs: { ...scaleDownAfterMs, flag: "scale-down-after", file: "scaling.downAfter" },
};

/** The message, or `undefined` when nothing is set. */
export function scalingOf(
  config: ConfigOf<typeof ENVIRONMENT_SCALING_FIELDS>,
): MessageInitShape<typeof ScalingSettingsSchema> | undefined {
  const scaling = {
    min: config.scaleMin ?? 0,
    max: config.scaleMax ?? 0,
    cpuPercent: config.scaleCpu ?? 0,
    concurrency: config.scaleConcurrency ?? 0,
    downSeconds: Math.ceil((config.scaleDownAfterMs ?? 0) / SECOND_MS),
  };
  return Object.values(scaling).some((value) => value !== 0) ? scaling : undefined;
}

/** Bounds and targets in printed JSON. */
export interface ScalingJson {
  readonly min?: number;
  readonly max?: number;
  readonly cpu?: number;
  readonly concurrency?: number;
  readonly downAfter?: string;
}

/** The keys are those of `unkey.json`; what is not set is absent. */
export function scalingJson(
  { min, max, cpuPercent, concurrency, downSeconds }: ScalingSettings,
): ScalingJson {
  return {
    ...(min === 0 ? {} : { min }),
    ...(max === 0 ? {} : { max }),
    ...(cpuPercent === 0 ? {} : { cpu: cpuPercent }),
    ...(concurrency === 0 ? {} : { concurrency }),
    ...(downSeconds === 0 ? {} : { downAfter: durationText(downSeconds * SECOND_MS) }),
  };
}
