/** The verdict about a rollout. Pure: the workflow asks again after every replay and must get the same answer. */
import { startHint, withHint } from "../../../../pkg/build/explain/mod.ts";
import { isWaitedFor, REFUSED } from "../../internal/deployments/troubles.ts";
import type { FailureCode, FailureDetails } from "../../internal/deployments/status.ts";
import { type CheckFacts, notListeningText } from "./not_listening.ts";
import { judgeRelease, type ReleaseState, releaseWait } from "./release.ts";

/** One instance as its agent reported it last. */
export interface InstanceState {
  readonly name: string;
  readonly status: "inactive" | "pending" | "running" | "failed";
  /** A code such as `crash_loop`; empty when all is well. */
  readonly reason: string;
  /** The same for a person. */
  readonly message: string;
  readonly exitCode: number | null;
  readonly restarts: number;
  /** Only of instances that do not run. */
  readonly lastLogLines: readonly string[];
}

/** One region that the deployment was placed in. */
export interface RegionState {
  readonly region: string;
  readonly desiredReplicas: number;
  /** False when its agents' heartbeats have timed out. Such a region counts for nothing. */
  readonly agentAlive: boolean;
  readonly instances: readonly InstanceState[];
  /** The failure of its agent to apply the deployment, where no instance tells of it. */
  readonly agentError?: string | undefined;
}

/** Everything that decides about a rollout. */
export interface RolloutState {
  readonly regions: readonly RegionState[];
  /** The port that the app has to listen on. */
  readonly port: number;
  /** Empty: accepting connections is enough. */
  readonly healthCheckPath: string;
  /** The host that the check names; empty where that is not known. */
  readonly healthCheckHost?: string;
  /** The whole check; `undefined` for a deployment of an older version. */
  readonly healthCheck?: CheckFacts | undefined;
  /** The app's own time to listen or to be healthy; `undefined`: that of the limits. */
  readonly startMs?: number | undefined;
  /** The memory of each instance, and the environment that can give it more. */
  readonly memoryMib: number;
  readonly environmentSlug: string;
  /** The ports that the image says it listens on, where they are known. */
  readonly exposedPorts?: readonly number[];
  /** The command that has to succeed before any instance starts; `undefined`: there is none. */
  readonly release?: ReleaseState | undefined;
}

/** Deadlines in milliseconds, and the number of restarts that is too many. */
export interface RolloutLimits {
  /** From the placement until all replicas run. */
  readonly readyMs: number;
  /** From the first sight of an app that runs until it listens. */
  readonly listenMs: number;
  /** From the placement until some region has an agent. */
  readonly agentMs: number;
  readonly restartsMax: number;
}

/** The current time, and the times from which deadlines count. */
export interface RolloutTimes {
  readonly nowMs: number;
  readonly placedAtMs: number;
  /** When an app that does not listen was first seen; `undefined` when there is none. */
  readonly notListeningSinceMs: number | undefined;
  /** The present refusal of a region; `undefined` when there is none. */
  readonly refused?: Refused | undefined;
}

/** A refusal that no waiting mends, and the time at which it was first seen with this text. */
export interface Refused {
  readonly message: string;
  readonly sinceMs: number;
}

/** The reason why a deployment ends, for programs and for its user. */
export interface Failure {
  readonly code: FailureCode;
  readonly message: string;
  /** Output and exit code of the failing build or instance. */
  readonly details?: FailureDetails;
}

/** The next act of the workflow. */
export type Verdict =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly failure: Failure }
  /** Wait for a change, but not beyond `untilMs`. */
  | { readonly kind: "pending"; readonly untilMs: number };

/** Reasons that waiting does not mend, whatever else is running. */
const FATAL: Readonly<Record<string, FailureCode>> = {
  crash_loop: "crash_loop",
  oom_killed: "out_of_memory",
  image_pull: "image_unavailable",
};

const MESSAGE_LINES_MAX = 5;
/** An operator may be about to mend it: a refusal counts when it has stayed the same for so long. */
const REFUSED_MS = 15_000;
/** Pulling the image and starting the containers take this long at most, beside the start of the app itself. */
const PLACING_MS = 60_000;

/** Decides about a rollout. A failure is final, so it is only given for permanent reasons, or after its deadline. */
export function judgeRollout(
  facts: RolloutState,
  times: RolloutTimes,
  general: RolloutLimits,
): Verdict {
  const { regions, release } = facts;
  if (release === undefined) return judgeInstances(facts, times, general);
  const isAgentAlive = regions.some((each) => each.region === release.region && each.agentAlive);
  const verdict = judgeRelease(release, { nowMs: times.nowMs, isAgentAlive }, general);
  if (verdict.kind !== "over") return verdict;
  // The instances have their whole time from then on.
  const placedAtMs = Math.max(times.placedAtMs, verdict.sinceMs);
  return judgeInstances(facts, { ...times, placedAtMs }, general);
}

function judgeInstances(facts: RolloutState, times: RolloutTimes, general: RolloutLimits): Verdict {
  const limits = ownLimits(facts, general);
  const alive = facts.regions.filter((each) => each.agentAlive);
  const instances = alive.flatMap((each) => each.instances);

  const broken = instances.find((each) => fatalCode(each, limits) !== undefined);
  const code = broken && fatalCode(broken, limits);
  if (broken !== undefined && code !== undefined) {
    return failed(code, describeInstance(broken, facts), broken);
  }

  if (alive.length > 0 && alive.every(isComplete)) return { kind: "ready" };

  const readyBy = times.placedAtMs + limits.readyMs;
  const deadlines = [readyBy];
  if (alive.length === 0) {
    const agentBy = times.placedAtMs + limits.agentMs;
    if (times.nowMs >= agentBy) return failed("no_region", noAgentText(facts));
    deadlines.push(agentBy);
  }
  const refused = instances.find(isRefused);
  if (refused !== undefined && times.refused !== undefined) {
    const mendedBy = times.refused.sinceMs + REFUSED_MS;
    if (times.nowMs >= mendedBy) return failed("refused", refused.message, refused);
    deadlines.push(mendedBy);
  }
  const notListening = instances.find(isNotListening);
  if (notListening !== undefined && times.notListeningSinceMs !== undefined) {
    const listenBy = times.notListeningSinceMs + limits.listenMs;
    if (times.nowMs >= listenBy) {
      return failed(
        "not_listening",
        notListeningText(facts, {
          seconds: Math.round(limits.listenMs / 1000),
          message: notListening.message,
        }),
        notListening,
      );
    }
    deadlines.push(listenBy);
  }
  if (times.nowMs >= readyBy) {
    const late = instances.find((each) => each.status !== "running");
    return failed("not_ready_in_time", lateText(facts, limits, late), late);
  }
  return { kind: "pending", untilMs: Math.min(...deadlines) };
}

/** An app with a time of its own has it, and the deployment a minute more. */
function ownLimits({ startMs }: RolloutState, limits: RolloutLimits): RolloutLimits {
  if (startMs === undefined) return limits;
  return { ...limits, listenMs: startMs, readyMs: Math.max(limits.readyMs, startMs + PLACING_MS) };
}

/** The refusal that counts, given the one of before: each one has its whole time. */
export function refusedSince(
  facts: RolloutState,
  before: Refused | undefined,
  nowMs: number,
): Refused | undefined {
  const message = facts.regions.filter((each) => each.agentAlive).flatMap((each) => each.instances)
    .find(isRefused)?.message;
  if (message === undefined) return undefined;
  return before?.message === message ? before : { message, sinceMs: nowMs };
}

/** The reason that holds a rollout back although the app has done nothing wrong; `undefined`: there is none. */
export function waitText({ regions, release }: RolloutState): string | undefined {
  const waiting = release === undefined ? undefined : releaseWait(release);
  if (waiting !== undefined) return waiting;
  const held = regions.filter((each) => each.agentAlive).flatMap((each) => each.instances)
    .filter(({ status, reason, message }) => status !== "running" && message !== "" && isWaitedFor(reason));
  return (held.find(isRefused) ?? held[0])?.message ?? agentErrorText(regions);
}

function agentErrorText(regions: readonly RegionState[]): string | undefined {
  const failed = regions.find((each) => each.agentAlive && each.agentError !== undefined);
  return failed &&
    `The agent of ${failed.region} cannot start the app: ${failed.agentError}. It tries again; the ` +
      "region's operator finds the reason in its log.";
}

/** Since when some app runs without listening, given what was known before. */
export function notListeningSince(
  facts: RolloutState,
  beforeMs: number | undefined,
  nowMs: number,
): number | undefined {
  const notListening = facts.regions.some((each) => each.agentAlive && each.instances.some(isNotListening));
  return notListening ? beforeMs ?? nowMs : undefined;
}

function isComplete(region: RegionState): boolean {
  return region.instances.filter((each) => each.status === "running").length >= region.desiredReplicas;
}

function isRefused({ status, reason }: InstanceState): boolean {
  return status !== "running" && reason === REFUSED;
}

function isNotListening(instance: InstanceState): boolean {
  return instance.status !== "running" && instance.reason === "not_listening";
}

function fatalCode(instance: InstanceState, limits: RolloutLimits): FailureCode | undefined {
  if (instance.status === "running") return undefined;
  const known = instance.status === "failed" && Object.hasOwn(FATAL, instance.reason);
  if (known) return FATAL[instance.reason];
  return instance.restarts >= limits.restartsMax ? "crash_loop" : undefined;
}

function failed(code: FailureCode, text: string, instance?: InstanceState): Verdict {
  const lines = instance?.lastLogLines ?? [];
  const tail = lines.slice(-MESSAGE_LINES_MAX);
  const message = tail.length === 0 ? text : `${text} Its last output:\n${tail.join("\n")}`;
  if (instance === undefined || (lines.length === 0 && instance.exitCode === null)) {
    return { kind: "failed", failure: { code, message } };
  }
  const { name: origin, exitCode } = instance;
  const exit = exitCode === null ? {} : { exitCode };
  return {
    kind: "failed",
    failure: { code, message, details: { ...exit, source: "instance", origin, lines } },
  };
}

function describeInstance(instance: InstanceState, facts: RolloutState): string {
  const hint = instance.reason === "oom_killed"
    ? memoryHint(facts)
    : startHint([instance.message, ...instance.lastLogLines], instance.exitCode ?? undefined);
  const text = describeEnd(instance);
  return hint === undefined ? text : withHint(text, hint);
}

function describeEnd({ message, exitCode, restarts }: InstanceState): string {
  if (message === "") {
    const how = exitCode === null ? "ended" : `ended with exit code ${exitCode}`;
    return `The app ${how} and was restarted ${restarts} times.`;
  }
  return exitCode === null || message.includes(String(exitCode))
    ? message
    : `${message} Its exit code was ${exitCode}.`;
}

function memoryHint({ memoryMib, environmentSlug }: RolloutState): string {
  const more = 2 * memoryMib;
  return `Give it more: unkey deploy --memory ${more} --env ${environmentSlug}, or for each later deploy ` +
    `"unkey scale ${environmentSlug} --memory ${more}".`;
}

function noAgentText({ regions }: RolloutState): string {
  const names = regions.map((each) => each.region).join(", ");
  return `No agent is connected for ${
    regions.length === 1 ? "region" : "any of the regions"
  } ${names}, so nothing can ` +
    'run. The operator starts "unkey krane" there; then deploy again.';
}

function lateText(facts: RolloutState, limits: RolloutLimits, late: InstanceState | undefined): string {
  const seconds = Math.round(limits.readyMs / 1000);
  const missing = facts.regions.filter((each) => each.agentAlive && !isComplete(each)).map((each) =>
    each.region
  );
  const where = missing.length === 0 ? "" : ` in ${missing.join(", ")}`;
  const reason = late === undefined || late.message === "" ? agentErrorText(facts.regions) : late.message;
  const why = reason ?? "No instance was reported: the region may lack capacity.";
  return `The app was not ready${where} within ${seconds} s. ${why}`;
}
