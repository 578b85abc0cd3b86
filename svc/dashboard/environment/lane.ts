/** The times in which each deployment was live, as spans of a lane. */
import type { TrafficSwitch } from "../../../proto/gen/ctrl/v1/traffic_switch_pb.ts";

export interface LiveSpan {
  readonly deploymentId: string;
  readonly cause: string;
  readonly beginMs: number;
  /** `undefined`: it is live now. */
  readonly endMs: number | undefined;
  /** In percent of the lane. */
  readonly x: number;
  readonly width: number;
}

/** The shortest span can still be seen. */
const WIDTH_MIN = 0.6;

/** Oldest first; the lane ends now. @param switches newest first */
export function liveSpans(switches: readonly TrafficSwitch[], nowMs: number): LiveSpan[] {
  const oldestFirst = switches.toReversed();
  const startMs = Number(oldestFirst[0]?.committedAt ?? 0n);
  const wholeMs = Math.max(1, nowMs - startMs);
  return oldestFirst.map(({ toDeploymentId, cause, committedAt }, index) => {
    const beginMs = Number(committedAt);
    const next = oldestFirst[index + 1];
    const endMs = next === undefined ? undefined : Number(next.committedAt);
    const width = Math.min(100, Math.max(WIDTH_MIN, ((endMs ?? nowMs) - beginMs) / wholeMs * 100));
    const x = Math.max(0, Math.min(100 - width, (beginMs - startMs) / wholeMs * 100));
    return { deploymentId: toDeploymentId, cause, beginMs, endMs, x, width };
  });
}
