/** Looks at a gradual switch: each leads to a wait, a step or an end. Pure. */

/** The state of a gradual switch, and of the versions between which it moves requests. */
export interface LookFacts {
  readonly deploymentId: string;
  readonly formerDeploymentId: string;
  readonly nowMs: number;
  readonly createdAtMs: number;
  readonly stepStartedAtMs: number;
  /** `undefined`: a person orders each step. */
  readonly everyMs: number | undefined;
  /** `undefined`: the environment is gone, or nothing is live. */
  readonly liveDeploymentId: string | undefined;
  /** The status of the new version; `undefined`: it is gone. */
  readonly status: string | undefined;
  /** Running instances. */
  readonly nextRunning: number;
  readonly formerRunning: number;
  /** Looks in a row that found no running instance of the new version, this one included. */
  readonly looksWithoutInstance: number;
  /** The gate's reason to abort. */
  readonly gate: string | undefined;
}

export type LookPlan =
  | { readonly kind: "settle" | "advance" }
  | { readonly kind: "abort"; readonly reason: string }
  | { readonly kind: "wait"; readonly delayMs: number };

/** Reports of edges come each 10 s. */
export const LOOK_MS = 5_000;
const LOOK_MS_MIN = 100;
/** An instance that restarts is back by then. */
const LOOKS_WITHOUT_INSTANCE_MAX = 2;
/** A gradual switch that waits for a person has an end, too. */
const AGE_MS_MAX = 7 * 24 * 3_600_000;

/** The plan. A version that cannot serve is aborted before its evidence is judged; both must run at each step. */
export function planLook(facts: LookFacts): LookPlan {
  const { deploymentId, formerDeploymentId, nowMs, gate, everyMs, stepStartedAtMs } = facts;
  if (facts.liveDeploymentId !== formerDeploymentId) return { kind: "settle" };
  if (facts.status !== "ready") {
    return { kind: "abort", reason: `${deploymentId} is ${facts.status ?? "gone"}.` };
  }
  if (facts.looksWithoutInstance >= LOOKS_WITHOUT_INSTANCE_MAX) {
    return { kind: "abort", reason: `No instance of ${deploymentId} runs any more.` };
  }
  if (gate !== undefined) return { kind: "abort", reason: gate };
  if (nowMs - facts.createdAtMs >= AGE_MS_MAX) {
    return { kind: "abort", reason: "It was neither completed nor aborted for 7 days." };
  }
  const dueAtMs = everyMs === undefined ? Infinity : stepStartedAtMs + everyMs;
  const areUp = facts.nextRunning > 0 && facts.formerRunning > 0;
  if (nowMs >= dueAtMs && areUp) return { kind: "advance" };
  return { kind: "wait", delayMs: nowMs >= dueAtMs ? LOOK_MS : waitMs(dueAtMs - nowMs) };
}

function waitMs(restMs: number): number {
  return Math.max(LOOK_MS_MIN, Math.min(LOOK_MS, restMs));
}
