/** Reasons of instances, as agents report them, by what they mean for those who wait. */

/** Refused by the cluster or the engine: waiting mends nothing. */
export const REFUSED = "refused";

/** Nothing is wrong with the app: the region does not come to run it, and may yet. */
const WAITING: ReadonlySet<string> = new Set([
  "quota",
  "unschedulable",
  "sandbox",
  "mount",
  "leaving",
  "sidecar",
  "cluster_trouble",
  "node_not_ready",
]);

/** True if the region does not run it, or not yet, whatever the app does. */
export function isHeldBack(reason: string): boolean {
  return reason === REFUSED || WAITING.has(reason);
}

/** True if a rollout waits for something that the app cannot change; a pull is such a thing, but no trouble. */
export function isWaitedFor(reason: string): boolean {
  return reason === "image_pulling" || isHeldBack(reason);
}

/** All reasons of regions that do not run an app, for queries. */
export const HELD_BACK: readonly string[] = [REFUSED, ...WAITING];
