/** Waits and ends of checks, as pure functions. */
import type { CustomDomainsTable, DomainProof } from "../../internal/store/mod.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Users set a record and look at once. */
const CHECK_FIRST_MS = 5 * SECOND_MS;
const CHECK_MS_MAX = 10 * MINUTE_MS;
/** A part of the time that it has been looked for: waits grow with it. */
const PART_OF_AGE = 1 / 4;
/** Of a verified domain that leads here. */
const RECHECK_MS = 12 * HOUR_MS;
/** Of a verified domain whose proof has gone, or whose servers do not answer. */
const LOST_RECHECK_MS = HOUR_MS;
/** Of a verified domain that does not lead here yet. */
const REACH_RECHECK_MS_MAX = HOUR_MS;

export interface Limits {
  /** Without a proof for so long, a domain fails. */
  readonly verifyMs: number;
  /** A verified domain is served for so long after its proof has gone. */
  readonly lostMs: number;
}

/** The part of a domain's row that decisions are about. */
export type DomainState = Pick<
  CustomDomainsTable,
  "status" | "verify_from" | "verified_at" | "lost_at"
>;

/** The part of a look that decisions are about. */
export interface Sight {
  /** `undefined`: nothing proves the name. */
  readonly proof: DomainProof | undefined;
  readonly reaches: boolean;
  /** False: no server answered, which is no proof of anything. */
  readonly answered: boolean;
}

/** The state after a look. */
export type Verdict =
  | { readonly kind: "verified"; readonly lostAtMs: null }
  /** It was verified, and has had no proof since `lostAtMs`. */
  | { readonly kind: "losing"; readonly lostAtMs: number }
  | { readonly kind: "lost" }
  | { readonly kind: "verifying" }
  | { readonly kind: "failed" };

/** Decides what a look means for a domain. */
export function verdictOf(state: DomainState, sight: Sight, nowMs: number, limits: Limits): Verdict {
  if (sight.proof !== undefined) return { kind: "verified", lostAtMs: null };
  if (state.status !== "verified") {
    return nowMs - state.verify_from >= limits.verifyMs ? { kind: "failed" } : { kind: "verifying" };
  }
  // Servers that are away for a while take nothing from anybody, and do not end the time of a record that is gone.
  if (!sight.answered) {
    return state.lost_at === null
      ? { kind: "verified", lostAtMs: null }
      : { kind: "losing", lostAtMs: state.lost_at };
  }
  const lostAtMs = state.lost_at ?? nowMs;
  return nowMs - lostAtMs >= limits.lostMs ? { kind: "lost" } : { kind: "losing", lostAtMs };
}

/** The wait before the next check; `spread` is between 0 and 1. */
export function nextCheckMs(
  { verdict, state, sight, spread }: {
    readonly verdict: Verdict;
    readonly state: DomainState;
    readonly sight: Sight;
    readonly spread: number;
  },
  nowMs: number,
): number | null {
  const spreadOut = (ms: number): number => Math.round(ms * (0.75 + spread / 4));
  switch (verdict.kind) {
    case "failed":
    case "lost":
      return null;
    case "losing":
      return spreadOut(LOST_RECHECK_MS);
    case "verifying": {
      const ageMs = nowMs - state.verify_from;
      return spreadOut(between(CHECK_FIRST_MS, ageMs * PART_OF_AGE, CHECK_MS_MAX));
    }
    case "verified": {
      if (!sight.answered) return spreadOut(LOST_RECHECK_MS);
      if (sight.reaches) return spreadOut(RECHECK_MS);
      const ageMs = nowMs - (state.verified_at ?? nowMs);
      return spreadOut(between(CHECK_FIRST_MS, ageMs * PART_OF_AGE, REACH_RECHECK_MS_MAX));
    }
  }
}

function between(least: number, value: number, most: number): number {
  return Math.min(Math.max(least, value), most);
}

/** A name counts for so long against its workspace's share of first certificates. */
export const ALLOWANCE_MS = 7 * 24 * HOUR_MS;
/** A former owner's certificate is given up within seconds. */
export const FORMER_MS = 2 * SECOND_MS;
