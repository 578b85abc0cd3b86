import type { Clock } from "../../../pkg/clock/mod.ts";
import { DatabaseClock } from "../../../pkg/db/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import type { Runner } from "../../../pkg/runner/mod.ts";
import type { CtrlDatabase } from "./store/mod.ts";

/**
 * The clock of a process of the control plane: heartbeats, leases and ends are written by one process and judged by another, so
 * that all of them go by the database's time.
 */
export async function followDatabase(
  db: CtrlDatabase,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
  runner: Runner,
): Promise<Clock> {
  const followed = new DatabaseClock(clock, log);
  await followed.measure(db);
  runner.go("database clock", (signal) => followed.follow(db, signal));
  return followed;
}
