/**
 * Judges the new version of a gradual switch by the live one, over the same time. Pure.
 *
 * Each look at new evidence has a part of the chance of a wrong abort that is small enough for all looks together, for ever:
 * `ERROR_CHANCE`. So a version that is no worse is aborted in at most 1 of 100 switches, however often it is looked at.
 */
import { bucketStartMs, latencyQuantile } from "../../../../pkg/latency/mod.ts";
import type { TrafficCounts } from "../traffic/counts.ts";
import { binomialTail, hypergeometricTail } from "./statistics.ts";

/** The requests of one version as the gate counts them. */
export interface VersionEvidence {
  readonly requests: number;
  /** Responses with 5xx, also those that an edge gave in its place, and responses that broke off. */
  readonly failed: number;
  readonly p95Ms: number | undefined;
}

export interface Evidence {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly next: VersionEvidence;
  readonly live: VersionEvidence;
}

/** The requests of both versions in a time. */
export interface Compared {
  readonly next: TrafficCounts;
  readonly live: TrafficCounts;
}

const ERROR_CHANCE = 0.01;
/** Errors and latency, each over the whole switch and over its step. */
const TESTS = 4;
/** A judgement needs so many requests of the new version, and so many failed ones. */
const REQUESTS_MIN = 50;
const FAILED_MIN = 5;
/** A smaller difference, as a share of the requests, is no reason. */
const ERRORS_MIN = 0.005;
/** The p95 of each version is that of so many requests at least. */
const LATENCIES_MIN = 100;
/** A p95 up to so much above the live version's is no reason. */
const SLOWER_FACTOR = 1.5;
const SLOWER_MS_MIN = 20;
const SLOW_SHARE = 0.05;

/** The chance of a wrong abort that one test of a look may have; `look` begins at 1. The sum over all looks is bounded. */
export function chanceOf(look: number): number {
  return ERROR_CHANCE / TESTS / (look * (look + 1));
}

export function evidenceOf(counts: TrafficCounts): VersionEvidence {
  const requests = counts.responses.reduce((sum, count) => sum + count, 0);
  const failed = Math.min(requests, (counts.responses[4] ?? 0) + counts.cutOff);
  return { requests, failed, p95Ms: latencyQuantile(counts.latency, 1 - SLOW_SHARE) };
}

/** The reason to abort, for people; `undefined`: there is none. */
export function gateReason(windows: readonly Compared[], look: number): string | undefined {
  const chance = chanceOf(look);
  for (const window of windows) {
    const reason = errorReason(window, chance) ?? latencyReason(window, chance);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function errorReason({ next, live }: Compared, chance: number): string | undefined {
  const [a, b] = [evidenceOf(next), evidenceOf(live)];
  if (a.requests < REQUESTS_MIN || a.failed < FAILED_MIN || b.requests === 0) return undefined;
  if (a.failed / a.requests - b.failed / b.requests < ERRORS_MIN) return undefined;
  const probability = hypergeometricTail({
    all: a.requests + b.requests,
    hits: a.failed + b.failed,
    drawn: a.requests,
    count: a.failed,
  });
  if (probability > chance) return undefined;
  return `${share(a)} of ${whole(a.requests)} requests failed, ${share(b)} of ${
    whole(b.requests)
  } of the live version.`;
}

/** More than one of twenty requests takes longer than the p95 of the live version, with room above it, allows. */
function latencyReason({ next, live }: Compared, chance: number): string | undefined {
  const [a, b] = [evidenceOf(next), evidenceOf(live)];
  if (a.p95Ms === undefined || b.p95Ms === undefined) return undefined;
  const [own, others] = [latencies(next), latencies(live)];
  if (own < LATENCIES_MIN || others < LATENCIES_MIN) return undefined;
  const limitMs = Math.max(b.p95Ms * SLOWER_FACTOR, b.p95Ms + SLOWER_MS_MIN);
  const slow = next.latency.reduce(
    (sum, [bucket, count]) => bucketStartMs(bucket) >= limitMs ? sum + count : sum,
    0,
  );
  if (binomialTail({ tries: own, count: slow, probability: SLOW_SHARE }) > chance) return undefined;
  return `95 % of ${whole(own)} requests took up to ${milliseconds(a.p95Ms)}, and up to ${
    milliseconds(b.p95Ms)
  } of ${whole(others)} of the live version.`;
}

function latencies({ latency }: TrafficCounts): number {
  return latency.reduce((sum, [, count]) => sum + count, 0);
}

function share({ failed, requests }: VersionEvidence): string {
  return `${(100 * failed / Math.max(1, requests)).toFixed(1)} %`;
}

function whole(count: number): string {
  return count.toLocaleString("en-US");
}

function milliseconds(ms: number): string {
  return ms < 10_000 ? `${whole(Math.round(ms))} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
