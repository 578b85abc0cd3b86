/** The data of a page of metrics: the requests of an environment, and the switches of the same time. */
import { Code, ConnectError } from "@connectrpc/connect";
import type { GetTrafficResponse } from "../../../proto/gen/ctrl/v1/traffic_pb.ts";
import type { TrafficSwitch } from "../../../proto/gen/ctrl/v1/traffic_switch_pb.ts";
import { type Api, soon } from "../api/clients.ts";
import type { Place } from "../environment/read.ts";
import { type MetricsQuery, RANGES } from "./query.ts";

export interface EnvironmentMetrics {
  readonly projectSlug: string;
  readonly traffic: GetTrafficResponse;
  /** Those of the shown time, newest first, up to 100. */
  readonly switches: readonly TrafficSwitch[];
}

const SWITCHES = 100;

/** @throws `not_found` */
export async function readMetrics(
  api: Pick<Api, "admin" | "deployments">,
  place: Place,
  { since, region }: MetricsQuery,
  signal: AbortSignal,
): Promise<EnvironmentMetrics> {
  const options = soon(signal);
  const [{ projects }, traffic, { switches }] = await Promise.all([
    api.admin.listProjects({}, options),
    api.deployments.getTraffic({ ...place, sinceSeconds: BigInt(RANGES[since]), region }, options),
    api.deployments.listSwitches({ ...place, pageSize: SWITCHES }, options),
  ]);
  const project = projects.find(({ id }) => id === place.projectId);
  if (project === undefined) throw new ConnectError("There is no such project.", Code.NotFound);
  const shown = switches.filter(({ committedAt }) => committedAt >= traffic.from);
  return { projectSlug: project.slug, traffic, switches: shown };
}
