import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { Meter } from "../../../../pkg/metrics/mod.ts";
import {
  type CtrlDatabase,
  deleteInstanceEvents,
  deleteInstanceOutput,
  deleteOpenApi,
  deleteOutputEvents,
  deleteTrace,
  listPastDeployments,
  markOutputRemoved,
  type PastDeployments,
  replaceFirstOutputEvent,
} from "../../internal/store/mod.ts";
import { repeat } from "./repeat.ts";

export interface OutputSweeperDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  /** Counted from the end of the deployment. */
  readonly keptDays: number;
}

const DAY_MS = 24 * 3_600_000;
const SWEEP_MS = 3_600_000;
const DEPLOYMENTS_PER_LOOK = 200;
/** Each holds many lines, as an event does. */
const BLOCKS_PER_DELETE = 50;
const EVENTS_PER_DELETE = 50;

/** Removes the output and the traces of past deployments, each hour. */
export async function sweepOutput(deps: OutputSweeperDeps, signal: AbortSignal): Promise<void> {
  await repeat(deps, signal, SWEEP_MS, () => removeOldOutput(deps, signal));
}

/**
 * Removes them in small batches, so that no other statement waits long, the longest ago first. Every process may do it:
 * removed rows are not found again.
 */
export async function removeOldOutput(deps: OutputSweeperDeps, signal: AbortSignal): Promise<void> {
  const { db, clock, keptDays } = deps;
  const beforeMs = clock.now() - keptDays * DAY_MS;
  let after: PastDeployments["next"];
  do {
    const look = { beforeMs, after, limit: DEPLOYMENTS_PER_LOOK };
    const { ids, next }: PastDeployments = await listPastDeployments(db.kysely, look);
    for (const id of ids) await removeOutput(deps, id, beforeMs, signal);
    after = next;
  } while (after !== undefined);
}

async function removeOutput(
  { db, clock, log, keptDays }: OutputSweeperDeps,
  deploymentId: string,
  beforeMs: number,
  signal: AbortSignal,
): Promise<void> {
  const from = { deploymentId, beforeMs };
  const days = keptDays === 1 ? "a day" : `${keptDays} days`;
  const notice = `What it printed was removed: that of a deployment which is over is kept for ${days}.`;
  const blocks = await deleteInBatches(
    BLOCKS_PER_DELETE,
    signal,
    (limit) => deleteInstanceOutput(db.kysely, { ...from, limit }),
  );
  await deleteInstanceEvents(db.kysely, from);
  await deleteOpenApi(db.kysely, deploymentId);
  await deleteTrace(db.kysely, deploymentId);
  await replaceFirstOutputEvent(db.kysely, { ...from, notice });
  const events = await deleteInBatches(
    EVENTS_PER_DELETE,
    signal,
    (limit) => deleteOutputEvents(db.kysely, { ...from, limit }),
  );
  await markOutputRemoved(db.kysely, deploymentId, clock.now());
  log.debug("output removed", { deployment_id: deploymentId, blocks, events });
}

/** Deletes in batches until one is not full; returns the number of deleted rows. */
async function deleteInBatches(
  limit: number,
  signal: AbortSignal,
  deleteBatch: (limit: number) => Promise<number>,
): Promise<number> {
  let total = 0;
  for (let deleted = limit; deleted >= limit; total += deleted) {
    signal.throwIfAborted();
    deleted = await deleteBatch(limit);
  }
  return total;
}
