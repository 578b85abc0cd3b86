import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { describeError, isFault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { Meter } from "../../../../pkg/metrics/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import { type CtrlDatabase, listUnsubmitted, markSubmitted, moveStatus } from "../../internal/store/mod.ts";
import type { Workflows } from "../../internal/workflows/mod.ts";
import { repeat } from "./repeat.ts";

export interface SubmitSweeperDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly workflows: Pick<Workflows, "submitDeploy">;
}

/** A create submits its deployment within this time, or has failed to. */
const SUBMIT_GRACE_MS = 5_000;
const SUBMITS_PER_SWEEP = 50;
const SUBMIT_MS_MAX = 10_000;
const SWEEP_MS = 5_000;

/**
 * Submits deployments whose row was committed but whose workflow was never started, after a crash or an outage. Every
 * process may do it: submitting twice is submitting once.
 */
export async function sweepSubmits(deps: SubmitSweeperDeps, signal: AbortSignal): Promise<void> {
  await repeat(deps, signal, SWEEP_MS, async () => {
    const { db, clock, log, workflows } = deps;
    const beforeMs = clock.now() - SUBMIT_GRACE_MS;
    for (const { id } of await listUnsubmitted(db.kysely, { beforeMs, limit: SUBMITS_PER_SWEEP })) {
      signal.throwIfAborted();
      const limit = AbortSignal.any([signal, AbortSignal.timeout(SUBMIT_MS_MAX)]);
      try {
        await workflows.submitDeploy(parseId("deployment", "deployment_id", id), limit);
      } catch (error) {
        // A refused deployment must not block the others, not even as the oldest of the next sweep. A retryable error
        // means that the workflow engine is down, and then the rest of the sweep would fail too.
        if (!isFault(error) || error.retryable) throw error;
        log.error("deployment cannot be handed over", { deployment_id: id, error: describeError(error) });
        await failRefused(deps, id);
        continue;
      }
      await markSubmitted(db.kysely, id, clock.now());
      log.info("deployment handed over late", { deployment_id: id });
    }
  });
}

/** Fails the deployment, unless its workflow has begun after all: then it was submitted. */
async function failRefused({ db, clock }: SubmitSweeperDeps, id: string): Promise<void> {
  const nowMs = clock.now();
  await transact(db, async (tx) => {
    await moveStatus(tx, { id, from: ["pending"], to: "failed", nowMs, failure: REFUSED });
    await markSubmitted(tx, id, nowMs);
  });
}

const REFUSED = {
  code: "internal",
  message:
    "The deployment was never begun: the platform's workflow engine refused it. Your app is not the cause. " +
    "Deploy it again. If it fails again, the operator finds the reason in the api's log under this deployment's id.",
} as const;
