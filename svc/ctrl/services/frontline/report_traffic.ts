import type { Clock } from "../../../../pkg/clock/mod.ts";
import { LATENCY_BUCKETS } from "../../../../pkg/latency/mod.ts";
import { newDnsName, parseId } from "../../../../pkg/uid/mod.ts";
import type { DeploymentTraffic, ReportTrafficRequest } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { type CtrlDatabase, recordTraffic } from "../../internal/store/mod.ts";
import type { TrafficCounts } from "../../internal/traffic/counts.ts";
import { invalid, key, text } from "../../internal/validate/mod.ts";

const INTERVAL_MS = 10_000;
const DEPLOYMENTS_MAX = 1_000;
const CLASSES = 5;
/** Edges send again what they could not send; sums of older intervals are not made again. */
const AGE_MS_MAX = 15 * 60_000;
/** The clock of an edge may be ahead, until it has an answer. */
const AHEAD_MS_MAX = 60_000;
const MARK_LENGTH = 12;

/**
 * Stores the requests that an edge counted in an interval, once. Answers with the time.
 *
 * @throws `invalid_argument`; an interval that is too old, or of the future, is left out
 */
export async function takeTrafficReport(
  { db, clock }: { readonly db: CtrlDatabase; readonly clock: Clock },
  report: ReportTrafficRequest,
): Promise<number> {
  key("edge_id", report.edgeId, 63);
  const processId = key("process_id", report.processId, 63);
  const region = text("region", report.region, 63);
  const startedAtMs = Number(report.startedAt);
  if (startedAtMs % INTERVAL_MS !== 0) throw invalid("started_at", `must be a multiple of ${INTERVAL_MS}`);
  if (report.deployments.length > DEPLOYMENTS_MAX) {
    throw invalid("deployments", `must be at most ${DEPLOYMENTS_MAX}`);
  }
  const deployments = report.deployments.map((each) => {
    const deploymentId = parseId("deployment", "deployments.deployment_id", each.deploymentId);
    return { deploymentId, counts: readCounts(each) };
  });
  const nowMs = clock.now();
  const isTaken = startedAtMs >= nowMs - AGE_MS_MAX && startedAtMs <= nowMs + AHEAD_MS_MAX;
  if (isTaken) {
    const mark = newDnsName(MARK_LENGTH);
    await recordTraffic(db.kysely, { processId, region, startedAtMs, mark, deployments });
  }
  return nowMs;
}

function readCounts(each: DeploymentTraffic): TrafficCounts {
  const { responses, latencyBuckets, latencyCounts } = each;
  if (responses.length !== CLASSES) throw invalid("deployments.responses", `must be ${CLASSES} numbers`);
  const areBuckets = latencyBuckets.length === latencyCounts.length &&
    latencyBuckets.every((bucket, at) => bucket < LATENCY_BUCKETS && bucket > (latencyBuckets[at - 1] ?? -1));
  if (!areBuckets) {
    throw invalid("deployments.latency_buckets", "must be buckets in their order, each with a count");
  }
  return {
    responses,
    failedByEdge: each.failedByEdge,
    cutOff: each.cutOff,
    cancelled: each.cancelled,
    receivedBytes: whole("received_bytes", each.receivedBytes),
    sentBytes: whole("sent_bytes", each.sentBytes),
    busyMs: whole("busy_ms", each.busyMs),
    concurrencyMax: each.concurrencyMax,
    concurrencyNow: each.concurrencyNow,
    lastRequestAtMs: whole("last_request_at", each.lastRequestAt),
    latency: latencyBuckets.map((bucket, at) => [bucket, latencyCounts[at] ?? 0]),
  };
}

/** 2^50: sums of many intervals stay exact. */
const NUMBER_MAX = 2n ** 50n;

function whole(field: string, value: bigint): number {
  if (value >= 0n && value <= NUMBER_MAX) return Number(value);
  throw invalid(`deployments.${field}`, `must be between 0 and ${NUMBER_MAX}`);
}
