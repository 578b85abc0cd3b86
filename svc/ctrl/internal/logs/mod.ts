/**
 * What instances print, for those who follow it: one read for all who follow the same deployment.
 *
 * ```ts
 * await using follower = hub.follow(deploymentId, cursor);
 * for (;;) for (const line of await follower.next(signal)) send(line);
 *
 * // Whoever stores lines says so, and they are read at once rather than with the next look:
 * hub.reported(deploymentId);
 * ```
 *
 * Each follower gets every line behind its cursor once, those of one instance in order. Nothing is read unless somebody
 * waits for it, so one that is slow is not hurried, and nobody pays for a deployment that nobody follows.
 *
 * @module
 */
export { LogFollower } from "./follower.ts";
export { LogHub, type LogHubOptions } from "./hub.ts";
