/**
 * Shares of a workspace: counts that an operator can set, a user can see, and a transaction reserves.
 *
 * ```ts
 * await transact(db, async (tx) => {
 *   await reserve(tx, ["projects"], { workspaceId, nowMs }); // throws `rate_limited` with what to do
 *   await createProject(tx, project);
 * });
 * ```
 *
 * @module
 */
export { isLimitName, LIMIT_NAMES, type LimitName, LIMITS, type UploadLimits } from "./limits.ts";
export { exceeded, reserve, roomOf, type StoredLimit, type Usage, usageOf } from "./reserve.ts";
export { StreamShares } from "./streams.ts";
