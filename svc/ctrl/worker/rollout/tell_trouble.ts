/** The running step says why a rollout waits, as long as it does. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { type CtrlDatabase, findStep, retellStep } from "../../internal/store/mod.ts";
import { type RolloutState, waitText } from "./plan.ts";
import { releaseText, startText } from "./release.ts";

const PREFIX = "Waiting: ";

/**
 * Makes the message of the step `deploying` tell what holds the deployment back, or that nothing does any more. Nothing
 * is written while that stays the same, or when the step does not run.
 */
export async function tellTrouble(
  { db, clock }: { readonly db: CtrlDatabase; readonly clock: Clock },
  deploymentId: string,
  state: RolloutState,
): Promise<void> {
  const step = await findStep(db.kysely, deploymentId, "deploying");
  if (step?.status !== "running") return;
  const why = waitText(state);
  if (why === undefined && !step.message.startsWith(PREFIX)) return;
  const message = why === undefined ? goesOn(state) : `${PREFIX}${why}`;
  if (message === step.message) return;
  const nowMs = clock.now();
  await transact(db, (tx) => retellStep(tx, { deploymentId, name: "deploying", message, nowMs }));
}

/** Nothing holds it back. */
function goesOn({ regions, release }: RolloutState): string {
  if (release !== undefined && release.settledAtMs === null) return releaseText(release);
  return startText(regions.map(({ region }) => region));
}
