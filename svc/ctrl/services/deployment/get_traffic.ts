/** The requests of a deployment, or of an environment, over time. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  GetTrafficResponseSchema,
  TrafficNumbersSchema,
} from "../../../../proto/gen/ctrl/v1/traffic_pb.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import { listRequestedDeployments, readTraffic } from "../../internal/store/mod.ts";
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
  /** One deployment, or all of an environment. */
  readonly deploymentId: string;
  readonly projectId: string;
  readonly environmentSlug: string;
  /** 0: the default. */
  readonly sinceSeconds: number;
  /** Empty: all. */
  readonly region: string;
}

/** A series with its range. */
export interface ShownTraffic extends TrafficRange, TrafficSeries {
  /** Empty: an environment. */
  readonly deploymentId: string;
  /** Those whose requests were counted. */
  readonly deploymentIds: readonly string[];
  readonly deploymentsLeftOut: boolean;
}

export const SINCE_SECONDS_MIN = 60;
export const SINCE_SECONDS_MAX = 90 * 86_400;
const SINCE_SECONDS = 3_600;
/** A series takes the rows of all of them into memory. */
const DEPLOYMENTS_MAX = 20;

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
  const range = rangeOf(sinceSeconds, deps.clock.now());
  const { ids, more } = await deploymentsOf(deps, caller, { ...request, sinceMs: range.fromMs });
  const rows = await readTraffic(deps.db.kysely, { deploymentIds: ids, ...range });
  const own = region === "" ? rows : rows.filter((row) => row.region === region);
  return {
    deploymentId: request.deploymentId,
    deploymentIds: [...new Set(own.map(({ deploymentId }) => deploymentId))].toSorted(),
    deploymentsLeftOut: more,
    ...range,
    ...seriesOf(own, range),
  };
}

async function deploymentsOf(
  deps: Pick<DeploymentDeps, "db" | "reader">,
  caller: RootKeyPrincipal,
  { deploymentId, projectId, environmentSlug, sinceMs }: TrafficRequest & { readonly sinceMs: number },
): Promise<{ readonly ids: readonly string[]; readonly more: boolean }> {
  const action = "read_deployment";
  if (deploymentId !== "") {
    if (`${projectId}${environmentSlug}` !== "") {
      throw invalid("deployment_id", "goes without project_id and environment_slug");
    }
    const { id } = await requireDeployment(deps, caller, { id: deploymentId, action });
    return { ids: [id], more: false };
  }
  if (projectId === "") throw invalid("deployment_id", "or project_id and environment_slug are required");
  const project = await requireProject(deps, caller, { id: projectId, action });
  const environment = await requireEnvironment(deps, project, environmentSlug);
  const found = await listRequestedDeployments(deps.db.kysely, {
    workspaceId: project.workspace_id,
    environmentId: environment.id,
    sinceMs,
    limit: DEPLOYMENTS_MAX + 1,
  });
  const ids = found.slice(0, DEPLOYMENTS_MAX);
  // It may be older than the newest ones that are looked at.
  const live = environment.live_deployment_id;
  return { ids: live === null || ids.includes(live) ? ids : [...ids, live], more: found.length > ids.length };
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
    deploymentIds: [...shown.deploymentIds],
    deploymentsLeftOut: shown.deploymentsLeftOut,
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
