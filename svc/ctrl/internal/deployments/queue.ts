/** The queue of builds, as both api and worker see it. */
import type { DeploymentStatus } from "./status.ts";

/** Fields that decide the order of builds. */
export interface Turn {
  readonly id: string;
  readonly turnAtMs: number;
  readonly enqueuedAtMs: number;
}

/** Orders builds by their turn; no two are equal. */
export function compareTurns(a: Turn, b: Turn): number {
  return a.turnAtMs - b.turnAtMs || a.enqueuedAtMs - b.enqueuedAtMs ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** True when a deployment with this status may wait for a slot, or hold one. */
export function mayBuild(status: DeploymentStatus | undefined): boolean {
  return status === "pending" || status === "queued" || status === "building";
}

/** A build that others wait for, as people know it. */
export interface RunningBuild {
  readonly id: string;
  readonly project: string;
  readonly environment: string;
}

const NAMED_MAX = 3;

/** The place of a build, in words: `2 builds ahead, running now: d_1 of hello (production)`. */
export function queueText(ahead: number, running: readonly RunningBuild[]): string {
  const place = ahead === 0 ? "next in line" : `${ahead} build${ahead === 1 ? "" : "s"} ahead`;
  if (running.length === 0) return place;
  const named = running.slice(0, NAMED_MAX).map((each) =>
    `${each.id} of ${each.project} (${each.environment})`
  );
  const more = running.length > NAMED_MAX ? ` and ${running.length - NAMED_MAX} more` : "";
  return `${place}, running now: ${named.join(", ")}${more}`;
}
