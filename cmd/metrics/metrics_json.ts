/** The requests of a deployment in the JSON of `unkey metrics`. Times are milliseconds since the epoch. */
import type { ScaledRegion } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type ScaledRegionJson, scaledRegionJson } from "../shared/scaling_view.ts";
import type { GetTrafficResponse, TrafficNumbers } from "../../proto/gen/ctrl/v1/traffic_pb.ts";

export interface NumbersJson {
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** The share of the requests, from 0 to 1, that got 5xx or whose response broke off. */
  readonly errorRate: number;
  /** By class of the status. */
  readonly responses: {
    readonly "1xx": number;
    readonly "2xx": number;
    readonly "3xx": number;
    readonly "4xx": number;
    readonly "5xx": number;
  };
  /** Those of 5xx that an edge gave, since no instance could. */
  readonly failedByEdge: number;
  readonly cutOff: number;
  /** Clients that went away before the response. */
  readonly cancelled: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly concurrencyMean: number;
  readonly concurrencyMax: number;
  /** Absent without a response of an instance. */
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  readonly p99Ms?: number;
}

export interface MetricsJson {
  /** Absent for an environment. */
  readonly id?: string;
  /** Those whose requests were counted. */
  readonly deployments: readonly string[];
  /** More deployments of the environment had requests. */
  readonly deploymentsLeftOut: boolean;
  readonly from: number;
  readonly until: number;
  readonly stepSeconds: number;
  /** Absent without any request. */
  readonly lastRequestAt?: number;
  readonly total: NumbersJson;
  /** Steps without requests are left out. */
  readonly points: readonly (NumbersJson & { readonly at: number })[];
  readonly regions: readonly (NumbersJson & { readonly region: string })[];
  /** Regions whose number of instances follows the load now; absent where there is none. */
  readonly scaledRegions?: readonly ScaledRegionJson[];
}

export function metricsJson(traffic: GetTrafficResponse, scaled: readonly ScaledRegion[] = []): MetricsJson {
  const { deploymentId: id, total, points, regions } = traffic;
  const [from, until, lastRequestAt] = [traffic.from, traffic.until, traffic.lastRequestAt].map(Number);
  const stepMs = Number(traffic.stepSeconds) * 1_000;
  const [fromMs, untilMs] = [from ?? 0, until ?? 0];
  return {
    ...(id === "" ? {} : { id }),
    deployments: traffic.deploymentIds,
    deploymentsLeftOut: traffic.deploymentsLeftOut,
    from: fromMs,
    until: untilMs,
    stepSeconds: stepMs / 1_000,
    ...(lastRequestAt === undefined || lastRequestAt === 0 ? {} : { lastRequestAt }),
    total: numbersJson(total, untilMs - fromMs),
    points: points.map(({ at, numbers }) => {
      const lengthMs = Math.min(stepMs, untilMs - Number(at));
      return { at: Number(at), ...numbersJson(numbers, lengthMs) };
    }),
    regions: regions.map(({ region, numbers }) => ({ region, ...numbersJson(numbers, untilMs - fromMs) })),
    ...(scaled.length === 0 ? {} : { scaledRegions: scaled.map(scaledRegionJson) }),
  };
}

function numbersJson(numbers: TrafficNumbers | undefined, lengthMs: number): NumbersJson {
  const of = (value: bigint | undefined): number => Number(value ?? 0n);
  const requests = of(numbers?.requests);
  const { p50Ms, p95Ms, p99Ms } = numbers ?? {};
  return {
    requests,
    requestsPerSecond: requests * 1_000 / Math.max(1, lengthMs),
    errorRate: requests === 0 ? 0 : (of(numbers?.status5xx) + of(numbers?.cutOff)) / requests,
    responses: {
      "1xx": of(numbers?.status1xx),
      "2xx": of(numbers?.status2xx),
      "3xx": of(numbers?.status3xx),
      "4xx": of(numbers?.status4xx),
      "5xx": of(numbers?.status5xx),
    },
    failedByEdge: of(numbers?.failedByEdge),
    cutOff: of(numbers?.cutOff),
    cancelled: of(numbers?.cancelled),
    receivedBytes: of(numbers?.receivedBytes),
    sentBytes: of(numbers?.sentBytes),
    concurrencyMean: numbers?.concurrencyMean ?? 0,
    concurrencyMax: of(numbers?.concurrencyMax),
    ...(p50Ms === undefined ? {} : { p50Ms }),
    ...(p95Ms === undefined ? {} : { p95Ms }),
    ...(p99Ms === undefined ? {} : { p99Ms }),
  };
}
