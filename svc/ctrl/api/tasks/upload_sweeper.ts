import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { Meter } from "../../../../pkg/metrics/mod.ts";
import type { ObjectStore } from "../../../../pkg/objectstore/mod.ts";
import { type CtrlDatabase, deleteUpload, listUnneededUploads } from "../../internal/store/mod.ts";
import { repeat } from "./repeat.ts";
import { inRounds } from "./rounds.ts";

export interface UploadSweeperDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly objects: Pick<ObjectStore, "delete">;
}

const UPLOAD_GRACE_MS = 3_600_000;
const UPLOADS_PER_ROUND = 50;
const SWEEP_MS = 60_000;

/** Removes build contexts that have expired and that no active deployment needs. */
export async function sweepUploads(deps: UploadSweeperDeps, signal: AbortSignal): Promise<void> {
  await repeat(deps, signal, SWEEP_MS, () => inRounds(signal, () => removeUploads(deps, signal)));
}

async function removeUploads(
  { db, clock, log, objects }: UploadSweeperDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const beforeMs = clock.now() - UPLOAD_GRACE_MS;
  const unneeded = await listUnneededUploads(db.kysely, { beforeMs, limit: UPLOADS_PER_ROUND });
  for (const { id, object_key } of unneeded) {
    signal.throwIfAborted();
    // The object first: a row without its object is found again, an object without a row never is.
    await objects.delete(object_key);
    await deleteUpload(db.kysely, id);
    log.debug("build context removed", { upload_id: id });
  }
  return unneeded.length === UPLOADS_PER_ROUND;
}
