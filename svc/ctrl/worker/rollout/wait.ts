/** Waiting until a deployment runs: the same for a deploy and for a start. */
import type { DurableShared, DurableWorkflow } from "../../../../pkg/durable/mod.ts";
import {
  type Failure,
  judgeRollout,
  notListeningSince,
  type Refused,
  refusedSince,
  type RolloutLimits,
} from "./plan.ts";
import type { Ended, Observed } from "./observe.ts";

/** Set once, when the user wants the workflow to stop. */
export const CANCEL = "cancel";
/** State: the number of the check that the shared handler wakes. */
const ROUND = "round";

/** A release command may run for an hour: fewer looks keep the journal, which each wake replays, short. */
const RELEASE_RECHECK_FACTOR = 6;

/** The end of the wait. */
export type Waited =
  | { readonly kind: "running" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly failure: Failure }
  | Ended;

export interface RolloutWait {
  readonly observe: () => Promise<Observed>;
  readonly limits: RolloutLimits;
  /** The longest wait for a change of the instances. */
  readonly recheckMs: number;
}

/** Waits until it runs everywhere, cannot run, is cancelled, or was ended elsewhere. Bounded by the limits. */
export async function untilRunning(
  durable: DurableWorkflow,
  { observe, limits, recheckMs }: RolloutWait,
): Promise<Waited> {
  const placedAtMs = await durable.now();
  let notListeningSinceMs: number | undefined;
  let refused: Refused | undefined;
  for (let round = 1;; round++) {
    // No change is missed: the shared handler runs after a change has committed, reads the round, and sets that round's
    // signal. `now` is answered only after Restate has taken everything before it, the new round included. So a handler
    // that still reads an older round read it before this line, hence its change committed before the check below,
    // which sees it. A handler that reads this round sets the signal that the wait below waits for. Should a message
    // get lost all the same, the wait ends by itself after `recheckMs`.
    durable.set(ROUND, round);
    const nowMs = await durable.now();
    const observed = await durable.run(`check instances, round ${round}`, () => observe());
    if (observed.kind === "ended") return observed;
    if (observed.cancelRequested) return { kind: "cancelled" };

    notListeningSinceMs = notListeningSince(observed.state, notListeningSinceMs, nowMs);
    refused = refusedSince(observed.state, refused, nowMs);
    const times = { nowMs, placedAtMs, notListeningSinceMs, refused };
    const verdict = judgeRollout(observed.state, times, limits);
    if (verdict.kind === "failed") return verdict;
    if (verdict.kind === "ready") return { kind: "running" };

    const { release } = observed.state;
    const isReleasing = release !== undefined && release.settledAtMs === null;
    const lookMs = isReleasing ? recheckMs * RELEASE_RECHECK_FACTOR : recheckMs;
    const waitMs = Math.max(1, Math.min(lookMs, verdict.untilMs - nowMs));
    const signal = await durable.waitFor([CANCEL, changedSignal(round)], waitMs);
    if (signal === CANCEL) return { kind: "cancelled" };
  }
}

/** Wakes the wait: something about the instances changed. */
export async function announceChange(shared: DurableShared): Promise<void> {
  // No round: the workflow does not wait, or not yet, and will look by itself.
  const round = await shared.get<number>(ROUND);
  if (round !== undefined) await shared.signal(changedSignal(round));
}

/** The signal that wakes the wait after check `round`. */
function changedSignal(round: number): string {
  return `instances-changed-${round}`;
}
