/** The order of builds in a queue. Pure. */
import { compareTurns, type Turn } from "../../internal/deployments/queue.ts";

/** A build in the queue of its workspace. */
export interface QueuedBuild extends Turn {
  readonly state: "waiting" | "offered" | "holding";
  /** When its slot is lost; `undefined` while it waits. */
  readonly leaseUntilMs: number | undefined;
  /** True while its deployment wants to build. */
  readonly alive: boolean;
}

/** The next state of every build in a queue. */
export interface QueuePlan {
  /** Finished, gone, or with a slot that ran out: out of the queue. */
  readonly gone: readonly string[];
  /** They keep their slots. */
  readonly kept: readonly string[];
  /** They get one now. */
  readonly next: readonly string[];
  /** The others, first come first. */
  readonly waiting: readonly string[];
}

/**
 * Decides about a queue. Slots go to those who wait in the order of their turns, never more than `capacity` at once; a
 * build that is named twice counts once.
 */
export function planQueue(builds: readonly QueuedBuild[], capacity: number, nowMs: number): QueuePlan {
  const unique = [...new Map(builds.map((build) => [build.id, build])).values()];
  const counts = (build: QueuedBuild): boolean =>
    build.alive && (build.leaseUntilMs === undefined || build.leaseUntilMs > nowMs);
  const present = unique.filter(counts);
  const kept = present.filter((build) => build.state !== "waiting");
  const line = present.filter((build) => build.state === "waiting").toSorted(compareTurns);
  const free = Math.max(0, capacity - kept.length);
  return {
    gone: unique.filter((build) => !counts(build)).map(idOf),
    kept: kept.map(idOf),
    next: line.slice(0, free).map(idOf),
    waiting: line.slice(free).map(idOf),
  };
}

function idOf({ id }: Turn): string {
  return id;
}

/**
 * When a build takes its turn. Production goes first, but no preview starves: it counts as one that came `ageingMs`
 * later, so only production builds of that span can overtake it. The order of two builds never changes with time.
 */
export function turnAt(
  { production, enqueuedAtMs }: { readonly production: boolean; readonly enqueuedAtMs: number },
  ageingMs: number,
): number {
  return production ? enqueuedAtMs : enqueuedAtMs + ageingMs;
}

const EXACT_POSITION_MAX = 7;

/** The number of builds ahead as a waiting user needs it: exact up to a limit, rounded above, so that a long queue writes few events. */
export function positionToReport(ahead: number): number {
  return ahead <= EXACT_POSITION_MAX ? ahead : 2 ** Math.floor(Math.log2(ahead));
}
