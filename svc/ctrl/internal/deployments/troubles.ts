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

/** All such reasons, for queries. */
export const HELD_BACK: readonly string[] = [REFUSED, ...WAITING];
