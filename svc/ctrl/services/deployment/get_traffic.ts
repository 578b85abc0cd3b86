/** The requests of a deployment over time. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  GetTrafficResponseSchema,
  TrafficNumbersSchema,
} from "../../../../proto/gen/ctrl/v1/traffic_pb.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { readTraffic } from "../../internal/store/mod.ts";
import {
  rangeOf,
  seriesOf,
  type TrafficNumbers,
  type TrafficRange,
  type TrafficSeries,
} from "../../internal/traffic/series.ts";
import { invalid, optionalText } from "../../internal/validate/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

export interface TrafficRequest {
  readonly deploymentId: string;
  /** 0: the default. */
  readonly sinceSeconds: number;
  /** Empty: all. */
  readonly region: string;
}

/** A series with its range. */
export interface ShownTraffic extends TrafficRange, TrafficSeries {
  readonly deploymentId: string;
}

export const SINCE_SECONDS_MIN = 60;
export const SINCE_SECONDS_MAX = 90 * 86_400;
const SINCE_SECONDS = 3_600;

/** Reads what the edges counted. @throws `not_found`, `permission_denied`, `invalid_argument` */
export async function getTraffic(
  deps: Pick<DeploymentDeps, "db" | "reader" | "clock">,
  caller: RootKeyPrincipal,
  request: TrafficRequest,
): Promise<ShownTraffic> {
  const sinceSeconds = request.sinceSeconds === 0 ? SINCE_SECONDS : request.sinceSeconds;
  if (!(sinceSeconds >= SINCE_SECONDS_MIN && sinceSeconds <= SINCE_SECONDS_MAX)) {
    throw invalid("since_seconds", `must be between ${SINCE_SECONDS_MIN} and ${SINCE_SECONDS_MAX}`);
  }
  const region = optionalText("region", request.region, 63);
  const { id: deploymentId } = await requireDeployment(deps, caller, {
    id: request.deploymentId,
    action: "read_deployment",
  });
  const range = rangeOf(sinceSeconds, deps.clock.now());
  const rows = await readTraffic(deps.db.kysely, { deploymentId, ...range });
  const own = region === "" ? rows : rows.filter((row) => row.region === region);
  return { deploymentId, ...range, ...seriesOf(own, range) };
}

export function encodeTraffic(shown: ShownTraffic): MessageInitShape<typeof GetTrafficResponseSchema> {
  return {
    deploymentId: shown.deploymentId,
    from: BigInt(shown.fromMs),
    until: BigInt(shown.untilMs),
    stepSeconds: BigInt(shown.stepSeconds),
    total: encodeNumbers(shown.total),
    points: shown.points.map(({ atMs, numbers }) => ({ at: BigInt(atMs), numbers: encodeNumbers(numbers) })),
    regions: shown.regions.map(({ region, numbers }) => ({ region, numbers: encodeNumbers(numbers) })),
    lastRequestAt: BigInt(shown.lastRequestAtMs),
  };
}

function encodeNumbers(numbers: TrafficNumbers): MessageInitShape<typeof TrafficNumbersSchema> {
  const { responses, p50Ms, p95Ms, p99Ms, concurrencyMean } = numbers;
  const ofClass = (status: number): bigint => BigInt(responses[status - 1] ?? 0);
  return {
    requests: BigInt(numbers.requests),
    status1xx: ofClass(1),
    status2xx: ofClass(2),
    status3xx: ofClass(3),
    status4xx: ofClass(4),
    status5xx: ofClass(5),
    failedByEdge: BigInt(numbers.failedByEdge),
    cutOff: BigInt(numbers.cutOff),
    cancelled: BigInt(numbers.cancelled),
    receivedBytes: BigInt(numbers.receivedBytes),
    sentBytes: BigInt(numbers.sentBytes),
    concurrencyMean,
    concurrencyMax: BigInt(numbers.concurrencyMax),
    ...(p50Ms === undefined ? {} : { p50Ms }),
    ...(p95Ms === undefined ? {} : { p95Ms }),
    ...(p99Ms === undefined ? {} : { p99Ms }),
  };
}
