/** The verdict about a release command, which runs once before a deployment's instances start. Pure. */
import { startHint, withHint } from "../../../../pkg/build/explain/mod.ts";
import type { FailureCode, FailureDetails } from "../../internal/deployments/status.ts";
import { isWaitedFor, REFUSED } from "../../internal/deployments/troubles.ts";

/** A release command as its region's agent reported it last. */
export interface ReleaseState {
  readonly region: string;
  readonly command: readonly string[];
  readonly state: "wanted" | "running" | "succeeded" | "failed";
  readonly instance: string;
  /** A code such as `timed_out`; empty when all is well. */
  readonly reason: string;
  /** The same for a person. */
  readonly message: string;
  readonly exitCode: number | null;
  readonly lastLogLines: readonly string[];
  readonly timeoutMs: number;
  readonly wantedAtMs: number;
  /** Of the last change of its state or its reason. */
  readonly changedAtMs: number;
  readonly startedAtMs: number | null;
  /** The deployment went on after it; null: it waits. */
  readonly settledAtMs: number | null;
}

/** `over`: the instances start. */
export type ReleaseVerdict =
  | { readonly kind: "over"; readonly sinceMs: number }
  | { readonly kind: "pending"; readonly untilMs: number }
  | {
    readonly kind: "failed";
    readonly failure: {
      readonly code: FailureCode;
      readonly message: string;
      readonly details?: FailureDetails;
    };
  };

/** Deadlines in milliseconds, as those of a rollout. */
export interface ReleaseLimits {
  readonly readyMs: number;
  readonly agentMs: number;
}

const MESSAGE_LINES_MAX = 5;
const COMMAND_CHARACTERS_MAX = 200;
/** An operator may be about to mend what the runtime refuses. */
const REFUSED_MS = 15_000;
/** The agent stops a command at its limit: a report that comes this late never comes. */
const SPARE_MS = 60_000;
/** A success is settled by the next look. */
const SETTLE_MS = 1_000;

/** Decides about a release command. A failure is final: the command may have changed something, and is not run again. */
export function judgeRelease(
  release: ReleaseState,
  { nowMs, isAgentAlive }: { readonly nowMs: number; readonly isAgentAlive: boolean },
  limits: ReleaseLimits,
): ReleaseVerdict {
  if (release.settledAtMs !== null) return { kind: "over", sinceMs: release.settledAtMs };
  if (release.state === "failed") return failed(codeOf(release), endText(release), release);
  if (release.state === "succeeded") return { kind: "pending", untilMs: nowMs + SETTLE_MS };
  if (release.startedAtMs !== null) {
    const endBy = release.startedAtMs + release.timeoutMs + SPARE_MS;
    if (nowMs < endBy) return { kind: "pending", untilMs: endBy };
    return failed("release_failed", silentText(release), release);
  }
  const startBy = release.wantedAtMs + limits.readyMs;
  const deadlines = [startBy];
  if (!isAgentAlive) {
    const agentBy = release.wantedAtMs + limits.agentMs;
    if (nowMs >= agentBy) return failed("no_region", noAgentText(release));
    deadlines.push(agentBy);
  }
  if (release.reason === REFUSED) {
    const mendedBy = release.changedAtMs + REFUSED_MS;
    if (nowMs >= mendedBy) return failed("refused", release.message, release);
    deadlines.push(mendedBy);
  }
  if (nowMs >= startBy) return failed("not_ready_in_time", lateText(release, limits), release);
  return { kind: "pending", untilMs: Math.min(...deadlines) };
}

/** The reason that keeps a release command from its start; `undefined`: there is none. */
export function releaseWait({ state, reason, message }: ReleaseState): string | undefined {
  return state === "wanted" && message !== "" && isWaitedFor(reason) ? message : undefined;
}

/** The message of the step while the command runs. */
export function releaseText({ region, command }: Pick<ReleaseState, "region" | "command">): string {
  return `Running the release command in ${region}: ${commandText(command)}`;
}

/** The message of the step while instances start. */
export function startText(regions: readonly string[]): string {
  return `Starting the app in ${regions.join(", ")}.`;
}

/** The command as its user wrote it, in one line. */
export function commandText(command: readonly string[]): string {
  const [program, option, script] = command;
  const isShell = program === "sh" && option === "-c" && command.length === 3;
  const text = (isShell && script !== undefined ? script : command.join(" ")).replaceAll(/\s+/g, " ").trim();
  return text.length <= COMMAND_CHARACTERS_MAX ? text : `${text.slice(0, COMMAND_CHARACTERS_MAX)}…`;
}

function codeOf({ reason }: ReleaseState): FailureCode {
  if (reason === "image_pull") return "image_unavailable";
  return reason === "oom_killed" ? "out_of_memory" : "release_failed";
}

const KEPT = "The new version was not started; what ran before goes on.";

function endText(release: ReleaseState): string {
  const { reason, message, exitCode, command, timeoutMs } = release;
  const shown = `"${commandText(command)}"`;
  switch (reason) {
    case "timed_out":
      return `The release command ${shown} was stopped after ${
        timeoutMs / 1_000
      } s, its time limit. ${KEPT} ` +
        'Give it more time with "releaseTimeout" in unkey.json, or less to do, then deploy again.';
    case "oom_killed":
      return `${message} ${KEPT} Give it more with --memory, then deploy again.`;
    case "lost":
      return `The end of the release command ${shown} is not known: ${message} It is never run twice. ${KEPT} ` +
        "Look at what it has changed, then deploy again.";
  }
  if (exitCode === null) return `The release command ${shown} could not be run. ${message} ${KEPT}`;
  const text =
    `The release command ${shown} ended with exit code ${exitCode}. ${KEPT} Mend it, then deploy again.`;
  const hint = startHint([message, ...release.lastLogLines], exitCode);
  return hint === undefined ? text : withHint(text, hint);
}

function silentText({ region, command }: ReleaseState): string {
  return `The release command "${
    commandText(command)
  }" began, and the agent of ${region} did not report its end in ` +
    `time. It is never run twice. ${KEPT} Look at what it has changed, then deploy again.`;
}

function noAgentText({ region }: ReleaseState): string {
  return `No agent is connected for region ${region}, so that the release command cannot run. The operator starts ` +
    '"unkey krane" there; then deploy again.';
}

function lateText({ command, message, region }: ReleaseState, { readyMs }: ReleaseLimits): string {
  const why = message === ""
    ? `The agent of ${region} did not begin it: it may be older than the control plane, or have no room.`
    : message;
  return `The release command "${commandText(command)}" did not begin within ${readyMs / 1_000} s. ${why}`;
}

function failed(code: FailureCode, text: string, release?: ReleaseState): ReleaseVerdict {
  const lines = release?.lastLogLines ?? [];
  const tail = lines.slice(-MESSAGE_LINES_MAX);
  const message = tail.length === 0 ? text : `${text} Its last output:\n${tail.join("\n")}`;
  if (release === undefined || (lines.length === 0 && release.exitCode === null)) {
    return { kind: "failed", failure: { code, message } };
  }
  const { instance: origin, exitCode } = release;
  const exit = exitCode === null ? {} : { exitCode };
  return {
    kind: "failed",
    failure: { code, message, details: { ...exit, source: "instance", origin, lines } },
  };
}
