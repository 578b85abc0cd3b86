/**
 * Runs: commands that run once in a deployment's image, beside a deploy.
 *
 * ```ts
 * const wanted = await transact(db, (tx) => wantRun(tx, order)); // throws `failed_precondition` with what to do
 * notifier.changed(wanted.regions);
 * ```
 *
 * @module
 */
export { type RunState, stateOfRun } from "./state.ts";
export { type RunOrder, type WantedRun, wantRun } from "./want.ts";
export { cancelRun, giveUpRun } from "./end.ts";
