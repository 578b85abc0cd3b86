import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import { type CtrlDatabase, listSleeps, wake, WOKEN_BY_REQUEST } from "../../internal/store/mod.ts";

export interface WakeDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly notifier: ChangeNotifier;
}

/** The caller: a sentinel wakes deployments of its own environment. */
export interface WakeCaller {
  /** `undefined`: an edge, which serves all. */
  readonly environmentId: string | undefined;
}

/**
 * Wakes a deployment that sleeps. True: its instances are wanted, from now on or since an earlier call; false: it does not
 * sleep, or is unknown.
 *
 * @throws `invalid_argument`, and `not_found` for a deployment of another environment
 */
export async function wakeDeployment(
  { db, clock, notifier }: WakeDeps,
  { environmentId }: WakeCaller,
  request: { readonly deploymentId: string },
): Promise<boolean> {
  const deploymentId = parseId("deployment", "deployment_id", request.deploymentId);
  const [row] = await listSleeps(db.kysely, [deploymentId]);
  if (environmentId !== undefined && row?.environment_id !== environmentId) {
    throw publicFault("not_found", `There is no deployment ${deploymentId} that could sleep.`);
  }
  if (row === undefined || row.asleep_at === null) return false;
  const regions = await transact(
    db,
    (tx) => wake(tx, { deploymentId, nowMs: clock.now(), message: WOKEN_BY_REQUEST }),
  );
  if (regions !== undefined) notifier.changed(regions);
  return true;
}
