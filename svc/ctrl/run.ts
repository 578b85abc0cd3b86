import type { Clock } from "../../pkg/clock/mod.ts";
import type { Secret } from "../../pkg/config/mod.ts";
import type { Logger } from "../../pkg/logger/mod.ts";
import type { Metrics } from "../../pkg/metrics/mod.ts";
import { ChangeHub } from "./internal/changes/mod.ts";
import { type CtrlDatabase, openCtrlDatabase } from "./internal/store/mod.ts";

/** Shared by api and worker when they run in one process: then a commit of one wakes the streams of the other. */
export interface SharedControlPlane {
  readonly db: CtrlDatabase;
  readonly hub: ChangeHub;
  /** Ends the hub and closes the database; to be called when both have ended. */
  close(): Promise<void>;
}

/**
 * Opens the database, brings its tables up to date, and starts the hub.
 *
 * @throws `unavailable` when the database cannot be opened, `failed_precondition` when its tables are newer than this
 * program
 */
export async function openSharedControlPlane(
  databaseUrl: Secret,
  { clock, log, metrics }: {
    readonly clock: Clock;
    readonly log: Logger;
    readonly metrics?: Metrics | undefined;
  },
): Promise<SharedControlPlane> {
  const db = await openCtrlDatabase(databaseUrl, { migrate: true, log, clock, metrics });
  const hub = new ChangeHub({ db, clock, log, metrics });
  const stop = new AbortController();
  const running = hub.run(stop.signal);
  return {
    db,
    hub,
    async close(): Promise<void> {
      stop.abort(new Error("stopping"));
      try {
        await running;
      } finally {
        await db.close();
      }
    },
  };
}
