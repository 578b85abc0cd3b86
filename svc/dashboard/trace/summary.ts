/** A trace in sentences. */
import type { DeploymentTrace } from "../../../proto/gen/ctrl/v1/trace_pb.ts";
import { duration } from "../text/format.ts";

const PARTS_MAX = 3;

/** The time of a trace up to now, or to its end. */
export function tookMs({ startedAt, endedAt }: DeploymentTrace, nowMs: number): number {
  return Math.max(0, (endedAt === 0n ? nowMs : Number(endedAt)) - Number(startedAt));
}

/** E.g. `8.2 s: build 5.1 s, start 1.4 s. Cached: 3 of 7 steps. 3.4 s longer than d_1, the last successful one.` */
export function traceSummary(trace: DeploymentTrace, nowMs: number): string {
  const took = tookMs(trace, nowMs);
  const parts = trace.shares.slice(0, PARTS_MAX).map((each) =>
    `${each.name} ${duration(Number(each.tookMs))}`
  );
  const steps = trace.spans.filter(({ status }) => status === "cached").length;
  const all =
    trace.spans.filter(({ status, gap }) => !gap && (status === "cached" || status === "done")).length;
  return [
    `${duration(took)}${trace.endedAt === 0n ? " so far" : ""}${
      parts.length === 0 ? "" : `: ${parts.join(", ")}`
    }.`,
    ...(steps === 0 ? [] : [`Cached: ${steps} of ${all} steps.`]),
    ...comparison(trace, took),
  ].join(" ");
}

function comparison({ before, endedAt }: DeploymentTrace, took: number): string[] {
  if (before === undefined || endedAt === 0n) return [];
  const more = took - Number(before.tookMs);
  const word = more < 0 ? "shorter" : "longer";
  return [`${duration(Math.abs(more))} ${word} than ${before.deploymentId}, the last successful one before.`];
}
