import type { ScalingSettings } from "../scaling/mod.ts";
import { invalid } from "./mod.ts";

/** Bounds and targets as messages have them; 0: not set. */
export interface WireScaling {
  readonly min: number;
  readonly max: number;
  readonly cpuPercent: number;
  readonly concurrency: number;
  readonly downSeconds: number;
}

const CONCURRENCY_MAX = 100_000;
/** Below three reports of an edge a single lost one would take instances away. */
const DOWN_SECONDS_MIN = 10;
const DOWN_SECONDS_MAX = 3_600;

/** The values that are set. @throws `invalid_argument` for one that is not allowed */
export function scalingSettings(
  field: string,
  wire: WireScaling | undefined,
  replicasMax: number,
): { readonly scaling?: ScalingSettings } {
  if (wire === undefined) return {};
  const operator = ", which the operator set as the most";
  const valueOf = (name: string, key: keyof WireScaling, least: number, most: number, by = "") => {
    const value = wire[key];
    if (value === 0) return {};
    if (value >= least && value <= most) return { [key]: value };
    throw invalid(`${field}.${name}`, `must be between ${least} and ${most}${by}`, String(value));
  };
  const scaling: ScalingSettings = {
    ...valueOf("min", "min", 1, replicasMax, operator),
    ...valueOf("max", "max", 1, replicasMax, operator),
    ...valueOf("cpu_percent", "cpuPercent", 1, 100),
    ...valueOf("concurrency", "concurrency", 1, CONCURRENCY_MAX),
    ...valueOf("down_seconds", "downSeconds", DOWN_SECONDS_MIN, DOWN_SECONDS_MAX),
  };
  return Object.keys(scaling).length === 0 ? {} : { scaling };
}

/** The settings, which together say what to do. @throws `invalid_argument` for a maximum or a target that is missing */
export function wholeScaling(field: string, scaling: ScalingSettings | undefined): void {
  if (scaling === undefined) return;
  const { min = 1, max, cpuPercent, concurrency } = scaling;
  if (max === undefined) {
    throw invalid(`${field}.max`, "must be set: the number of instances follows the load up to it");
  }
  if (min > max) throw invalid(`${field}.min`, `must be at most the maximum, ${max}`, String(min));
  if (cpuPercent === undefined && concurrency === undefined) {
    throw invalid(field, "must have a target: cpu_percent, concurrency, or both");
  }
}
