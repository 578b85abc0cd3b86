/**
 * Crons: commands that run by the clock. They come with a deployment, and hold while it is live.
 *
 * ```ts
 * await transact(db, async (tx) => {
 *   await swapLiveDeployment(tx, swap);
 *   await holdCrons(tx, environment, deployment, nowMs); // the crons of the new one from now on
 * });
 * for (const due of await listDueCrons(db.kysely, { nowMs, after: undefined, limit })) {
 *   await transact(db, (tx) => fireCron(tx, due, nowMs)); // its run, or why there is none, and the next time
 * }
 * ```
 *
 * @module
 */
export { announceCrons, cronsFor, holdCrons, nextTime } from "./hold.ts";
export { LATE_MS_MAX } from "./due.ts";
export { fireCron, type Fired } from "./fire.ts";
export { missingCron, runCron } from "./run_now.ts";
