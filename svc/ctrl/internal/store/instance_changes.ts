/** The events that a report tells of, by the rows before and after it. */
import { HELD_BACK, isHeldBack } from "../deployments/troubles.ts";
import { decodeEnd } from "./instance_end.ts";
import type { InstanceEvent } from "./instance_events.ts";
import type { InstancesTable } from "./schema.ts";

type Row = Pick<
  InstancesTable,
  "k8s_name" | "status" | "reason" | "message" | "exit_code" | "restarts" | "last_end"
>;

/** The ways of an app that starts, and ends of runs, which are events of their own. */
const NO_TROUBLE: ReadonlySet<string> = new Set([
  "",
  "creating",
  "starting",
  "image_pulling",
  "not_listening",
  "leaving",
  "exited",
  "oom_killed",
]);
/** Troubles that can be over while the instance is the same. */
const PASSING: ReadonlySet<string> = new Set([...HELD_BACK, "unhealthy", "image_pull"]);

/** The events between two views of a deployment in one region, in no order. Pure. */
export function changesBetween(
  before: readonly Row[],
  after: readonly Row[],
  nowMs: number,
): readonly InstanceEvent[] {
  const known = new Map(before.map((row) => [row.k8s_name, row]));
  const kept = new Set(after.map((row) => row.k8s_name));
  const events = after.flatMap((row) => changesOf(known.get(row.k8s_name), row, nowMs));
  // A refusal is reported by an instance of its own, which goes with it.
  const isHeld = after.some(({ reason }) => isHeldBack(reason));
  const lifted = before.find((row) => !kept.has(row.k8s_name) && isHeldBack(row.reason));
  return lifted === undefined || isHeld || after.length === 0
    ? events
    : [...events, recovery(lifted, lifted, nowMs)];
}

function changesOf(before: Row | undefined, after: Row, nowMs: number): InstanceEvent[] {
  const { k8s_name: instance, reason, message, exit_code: exitCode, restarts } = after;
  const events: InstanceEvent[] = [];
  if (after.last_end !== null && after.last_end !== before?.last_end) {
    const end = decodeEnd(after.last_end);
    const times = Math.max(1, restarts - (before?.restarts ?? 0));
    events.push({ ...end, kind: "ended", instance, times });
  }
  const was = before?.reason ?? "";
  if (reason !== was && isTrouble(after)) {
    events.push({ kind: "trouble", reason, message, instance, exitCode, atMs: nowMs, times: 1 });
  }
  if (before !== undefined && after.status === "running" && reason === "" && PASSING.has(was)) {
    events.push(recovery(before, after, nowMs));
  }
  return events;
}

function isTrouble({ reason, exit_code }: Row): boolean {
  // Without an exit code it never was a process: its container cannot be started.
  return reason === "crash_loop" ? exit_code === null : !NO_TROUBLE.has(reason);
}

function recovery({ reason }: Row, { k8s_name: instance }: Row, atMs: number): InstanceEvent {
  const message = isHeldBack(reason) ? "The region runs the app again." : "The app is well again.";
  return { kind: "recovered", reason, message, instance, exitCode: null, atMs, times: 1 };
}
