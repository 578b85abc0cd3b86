/** The state of a run as it is shown. Pure. */
import type { StoredRun } from "../store/mod.ts";

export type RunState = "starting" | "running" | "succeeded" | "failed" | "cancelled" | "timed_out" | "lost";

/** A run that was given up before its agent had it is a failure: it did not run. */
export function stateOfRun({ state, reason }: Pick<StoredRun, "state" | "reason">): RunState {
  switch (state) {
    case "wanted":
      return "starting";
    case "failed":
      return reason === "cancelled" || reason === "timed_out" || reason === "lost" ? reason : "failed";
    default:
      return state;
  }
}
