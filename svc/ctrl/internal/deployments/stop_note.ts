/** Why and when a deployment was stopped. */

/** The cause, for programs. */
export type StopReason =
  | "by_user"
  | "branch_gone"
  | "no_requests"
  | "replaced"
  | "environment_deleted"
  | "start_failed";

/** Kept with a deployment for as long as it is stopped. */
export interface StopNote {
  readonly reason: StopReason;
  /** The same as a sentence for people. */
  readonly message: string;
  readonly atMs: number;
}

const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3_600;
const MINUTE_SECONDS = 60;

/** The note of a stop whose sentence needs no further facts. */
export function stopNote(reason: Exclude<StopReason, "branch_gone" | "no_requests">, atMs: number): StopNote {
  return { reason, message: MESSAGES[reason], atMs };
}

const MESSAGES: Readonly<Record<Exclude<StopReason, "branch_gone" | "no_requests">, string>> = {
  by_user: 'It was stopped with "unkey stop".',
  replaced: "Another deployment took its place.",
  environment_deleted: "Its environment was deleted.",
  start_failed: "It was stopped, and did not start again.",
};

/** The note of a preview that ended with its branch. */
export function branchGone(branch: string, atMs: number): StopNote {
  return { reason: "branch_gone", message: `Its branch "${branch}" is gone.`, atMs };
}

/** The note of an unused preview. */
export function noRequests(seconds: number, atMs: number): StopNote {
  return {
    reason: "no_requests",
    message: `It got no request for ${spanText(seconds)}.`,
    atMs,
  };
}

/** E.g. `7 days`, `90 minutes`. */
export function spanText(seconds: number): string {
  const units = [[DAY_SECONDS, "day"], [HOUR_SECONDS, "hour"], [MINUTE_SECONDS, "minute"]] as const;
  const [size, name] = units.find(([size]) => seconds >= size && seconds % size === 0) ?? [1, "second"];
  const count = seconds / size;
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
