/**
 * The output of instances for followers: one read serves all followers of a deployment.
 *
 * ```ts
 * await using follower = hub.follow(deploymentId, cursor);
 * for (;;) for (const line of await follower.next(signal)) send(line);
 *
 * // After lines were stored: they are read at once, not with the next poll.
 * hub.reported(deploymentId);
 * ```
 *
 * Each follower gets every line after its cursor once, those of one instance in order. Nothing is read unless a follower
 * waits for it, so that slow followers and deployments without followers cost nothing.
 *
 * @module
 */
export { LogFollower } from "./follower.ts";
export { LogHub, type LogHubOptions } from "./hub.ts";
export { OutputStore, type OutputStoreOptions } from "./output_store.ts";
