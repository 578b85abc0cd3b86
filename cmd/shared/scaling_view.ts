/** Numbers of instances that follow the load, as commands show them. */
import type { ScaledRegion, ScalingSettings } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { age, oneLine } from "./output.ts";

/** A region in printed JSON. Times are milliseconds since the epoch. */
export interface ScaledRegionJson {
  readonly region: string;
  readonly min: number;
  readonly max: number;
  readonly desired: number;
  readonly running: number;
  /** Absent before the first one. */
  readonly lastChange?: { readonly at: number; readonly from: number; readonly reason: string };
}

export function scaledRegionJson(scaled: ScaledRegion): ScaledRegionJson {
  const { region, min, max, desired, running, changedAt, changedFrom, reason } = scaled;
  const lastChange = { at: Number(changedAt), from: changedFrom, reason };
  return { region, min, max, desired, running, ...(changedAt === 0n ? {} : { lastChange }) };
}

/** E.g. `local: 2 of 3 running, 1 to 5 by the load; from 2 to 3 4m ago: 142 requests at a time, with a target of 50 per instance.` */
export function scaledRegionText(scaled: ScaledRegion, nowMs: number): string {
  const { region, min, max, desired, running, lastChange } = scaledRegionJson(scaled);
  const change = lastChange === undefined
    ? ""
    : `; from ${lastChange.from} to ${desired} ${age(lastChange.at, nowMs)} ago: ${
      oneLine(lastChange.reason)
    }`;
  return `${oneLine(region)}: ${running} of ${desired} running, ${min} to ${max} by the load${change}`;
}

/** E.g. `1 to 5 in each region by the load (70 % of the CPU, 50 requests at a time)`. */
export function scalingText({ min, max, cpuPercent, concurrency }: ScalingSettings): string {
  const targets = [
    ...cpuPercent === 0 ? [] : [`${cpuPercent} % of the CPU`],
    ...concurrency === 0 ? [] : [`${concurrency} requests at a time`],
  ];
  return `${min || 1} to ${max} in each region by the load (${targets.join(", ")})`;
}
