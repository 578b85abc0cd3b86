/** The state of a run as it is shown. Pure. */
import type { StoredRun } from "../store/mod.ts";

export type RunState =
  | "starting"
  | "running"
  | "succeeded"
  | "failed"
  | "cancelled"
  | "timed_out"
  | "lost"
  | NoRun;

/** A planned time of a cron without a run. */
export type NoRun = "skipped" | "missed" | "refused";

/** States that rows have as the reason of a failure. */
const REASONS: readonly RunState[] = ["cancelled", "timed_out", "lost", "skipped", "missed", "refused"];

/** A run that was given up before its agent had it is a failure: it did not run. */
export function stateOfRun({ state, reason }: Pick<StoredRun, "state" | "reason">): RunState {
  switch (state) {
    case "wanted":
      return "starting";
    case "failed":
      return REASONS.find((each) => each === reason) ?? "failed";
    default:
      return state;
  }
}
