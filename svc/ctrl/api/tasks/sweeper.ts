import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { describeError, isFault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { ObjectStore } from "../../../../pkg/objectstore/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import {
  type CtrlDatabase,
  deleteAuditEntries,
  deleteUpload,
  listUnneededUploads,
  listUnsubmitted,
  markSubmitted,
  moveStatus,
} from "../../internal/store/mod.ts";
import type { Workflows } from "../../internal/workflows/mod.ts";

/** What the sweeper works with. */
export interface SweeperDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly workflows: Workflows;
  readonly objects: ObjectStore;
}

/** A create hands its deployment over within this time, or has failed to. */
const SUBMIT_GRACE_MS = 5_000;
const SUBMITS_PER_SWEEP = 50;
const SUBMIT_MS_MAX = 10_000;
/** Half of it fixed, half random, so that processes do not sweep together. */
const SWEEP_MS = 5_000;
const UPLOAD_GRACE_MS = 3_600_000;
const UPLOADS_PER_SWEEP = 50;
const UPLOAD_SWEEP_MS = 60_000;
/** A year and a month: last year's audit still finds what it asks for. */
const AUDIT_KEPT_MS = 400 * 24 * 3_600_000;
const AUDIT_PER_SWEEP = 500;
const AUDIT_SWEEP_MS = 3_600_000;

/** Hands over deployments that a crash or an outage left behind. Every process may do it: submitting twice is submitting once. */
export async function sweepDeployments(deps: SweeperDeps, signal: AbortSignal): Promise<void> {
  await repeat(deps, signal, SWEEP_MS, async () => {
    const { db, clock, log, workflows } = deps;
    const beforeMs = clock.now() - SUBMIT_GRACE_MS;
    for (const { id } of await listUnsubmitted(db.kysely, { beforeMs, limit: SUBMITS_PER_SWEEP })) {
      signal.throwIfAborted();
      const limit = AbortSignal.any([signal, AbortSignal.timeout(SUBMIT_MS_MAX)]);
      try {
        await workflows.submitDeploy(parseId("deployment", "deployment_id", id), limit);
      } catch (error) {
        // One that is refused must not keep the others waiting, not even as the oldest of the next sweep; when nobody
        // answers there is nothing to go on with.
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

/** Ends it, unless its workflow has begun after all: then it was handed over. */
async function failRefused({ db, clock }: SweeperDeps, id: string): Promise<void> {
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

/** Removes build contexts that nobody can use any more. */
export async function sweepUploads(deps: SweeperDeps, signal: AbortSignal): Promise<void> {
  await repeat(deps, signal, UPLOAD_SWEEP_MS, async () => {
    const { db, clock, log, objects } = deps;
    const beforeMs = clock.now() - UPLOAD_GRACE_MS;
    for (
      const { id, object_key } of await listUnneededUploads(db.kysely, { beforeMs, limit: UPLOADS_PER_SWEEP })
    ) {
      signal.throwIfAborted();
      // The object first: a row without its object is found again, an object without a row never is.
      await objects.delete(object_key);
      await deleteUpload(db.kysely, id);
      log.debug("build context removed", { upload_id: id });
    }
  });
}

/** Forgets acts that nobody asks about any more, in small batches so that no act waits for it. */
export async function sweepAuditLog(
  deps: Pick<SweeperDeps, "db" | "clock" | "log">,
  signal: AbortSignal,
): Promise<void> {
  await repeat(deps, signal, AUDIT_SWEEP_MS, async () => {
    const beforeMs = deps.clock.now() - AUDIT_KEPT_MS;
    let removed = AUDIT_PER_SWEEP;
    while (removed === AUDIT_PER_SWEEP) {
      signal.throwIfAborted();
      removed = await deleteAuditEntries(deps.db.kysely, { beforeMs, limit: AUDIT_PER_SWEEP });
    }
  });
}

/** Sweeps again and again until `signal` aborts, less often while it fails. */
export async function repeat(
  { clock, log }: Pick<SweeperDeps, "clock" | "log">,
  signal: AbortSignal,
  everyMs: number,
  sweep: () => Promise<void>,
  everyMsMax = everyMs * 6,
): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    try {
      await sweep();
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      log.warn("sweep failed", { error: describeError(error), failures });
    }
    const waitMs = backoffMs(failures + 1, everyMs, everyMsMax);
    // The signal ends the wait and the loop.
    await clock.sleep(waitMs, signal).catch(() => undefined);
  }
}
