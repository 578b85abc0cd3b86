import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { type Meter, NO_METER } from "../../../../pkg/metrics/mod.ts";
import { type CtrlDatabase, listRegionVersions } from "../../internal/store/mod.ts";
import { handlerPath, type IngressOptions, postToIngress } from "../../internal/workflows/ingress.ts";
import { VERSIONING_SERVICE } from "../../internal/workflows/names.ts";

export interface CompactionDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly ingress: IngressOptions;
}

const EVERY_MS = 10 * 60_000;

/**
 * Asks for a compaction of every region's feed now and then. Workers need not agree on who does it: within one period
 * they all use the same idempotency key, so that it happens once.
 */
export async function requestCompactions(deps: CompactionDeps, signal: AbortSignal): Promise<void> {
  const { db, clock, log, ingress, meter = NO_METER } = deps;
  while (!signal.aborted) {
    // The wait first: at the start there are better things to do.
    await clock.sleep(EVERY_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    const period = Math.floor(clock.now() / EVERY_MS);
    try {
      await meter(async () => {
        for (const region of (await listRegionVersions(db.kysely)).keys()) {
          const path = `${handlerPath(VERSIONING_SERVICE, region, "Compact")}/send`;
          await postToIngress(ingress, { path, idempotencyKey: `compact-${region}-${period}`, signal });
        }
      });
    } catch (error) {
      if (!signal.aborted) log.warn("compaction not requested", { error: describeError(error) });
    }
  }
}
