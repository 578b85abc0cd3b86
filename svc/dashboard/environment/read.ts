/** The data of an environment's page. */
import { Code, ConnectError } from "@connectrpc/connect";
import type { Environment, EnvironmentVariable, Project } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import type { CustomDomain } from "../../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import type { Cron } from "../../../proto/gen/ctrl/v1/cron_pb.ts";
import type { Deployment, InstanceEvent } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { GradualSwitch } from "../../../proto/gen/ctrl/v1/gradual_switch_pb.ts";
import type { Run } from "../../../proto/gen/ctrl/v1/run_pb.ts";
import type { TrafficSwitch } from "../../../proto/gen/ctrl/v1/traffic_switch_pb.ts";
import { type Api, soon } from "../api/clients.ts";
import { permitted } from "../api/permitted.ts";

/** An environment of a project, as the address names it. */
export interface Place {
  readonly projectId: string;
  readonly environmentSlug: string;
}

export interface EnvironmentPage {
  readonly project: Project;
  readonly environment: Environment;
  readonly live: Deployment | undefined;
  /** Newest first. */
  readonly deployments: readonly Deployment[];
  /** Newest first. */
  readonly switches: readonly TrafficSwitch[];
  /** `undefined`: the key may not see them. */
  readonly variables: readonly EnvironmentVariable[] | undefined;
  readonly domains: readonly CustomDomain[] | undefined;
  /** Newest first. */
  readonly graduals: readonly GradualSwitch[];
  readonly crons: readonly Cron[];
  /** Runs of crons, newest first. */
  readonly runs: readonly Run[];
  /** Changes of the number of the live deployment's instances by the load, newest first. */
  readonly scalings: readonly InstanceEvent[];
}

const DEPLOYMENTS = 20;
const SWITCHES = 50;
const GRADUALS = 6;
const CRONS = 100;
/** Read, and shown of them. */
const RUNS = 50;
const RUNS_SHOWN = 10;
const SCALINGS_SHOWN = 5;

/** Reads everything that the page shows. @throws `not_found` */
export async function readEnvironment(
  api: Api,
  place: Place,
  signal: AbortSignal,
): Promise<EnvironmentPage> {
  const options = soon(signal);
  const { projectId, environmentSlug } = place;
  const [{ projects }, { environments }, { deployments }, { switches }, variables, domains, more] =
    await Promise.all([
      api.admin.listProjects({}, options),
      api.admin.listEnvironments({ projectId }, options),
      api.deployments.listDeployments({ ...place, pageSize: DEPLOYMENTS }, options),
      api.deployments.listSwitches({ ...place, pageSize: SWITCHES }, options),
      permitted(api.admin.listEnvironmentVariables(place, options).then((found) => found.variables)),
      permitted(api.domains.listCustomDomains(place, options).then((found) => found.domains)),
      readGradualsAndCrons(api, place, options),
    ]);
  const project = projects.find(({ id }) => id === projectId);
  const environment = environments.find(({ slug }) => slug === environmentSlug);
  if (project === undefined || environment === undefined) {
    throw new ConnectError(`There is no environment "${environmentSlug}" in this project.`, Code.NotFound);
  }
  const id = environment.liveDeploymentId;
  const [live, scalings] = id === "" ? [undefined, []] : await Promise.all([
    deployments.find((each) => each.id === id) ??
      api.deployments.getDeployment({ deploymentId: id }, options).then((found) => found.deployment),
    readScalings(api, id, options),
  ]);
  return { project, environment, live, deployments, switches, variables, domains, scalings, ...more };
}

async function readGradualsAndCrons(
  api: Api,
  place: Place,
  options: { readonly signal: AbortSignal },
): Promise<Pick<EnvironmentPage, "graduals" | "crons" | "runs">> {
  const [{ gradualSwitches }, { crons }, { runs }] = await Promise.all([
    api.deployments.listGradualSwitches({ ...place, pageSize: GRADUALS }, options),
    api.crons.listCrons({ ...place, pageSize: CRONS }, options),
    api.deployments.listRuns({ ...place, pageSize: RUNS }, options),
  ]);
  return {
    graduals: gradualSwitches,
    crons: crons.toSorted((one, other) => one.name.localeCompare(other.name)),
    runs: runs.filter(({ cron }) => cron !== "").slice(0, RUNS_SHOWN),
  };
}

async function readScalings(
  api: Api,
  deploymentId: string,
  options: { readonly signal: AbortSignal },
): Promise<readonly InstanceEvent[]> {
  const { events } = await api.deployments.listInstanceEvents({ deploymentId }, options);
  return events.filter(({ kind }) => kind === "scaled").toReversed().slice(0, SCALINGS_SHOWN);
}

/** The variables that the live deployment does not have as they are now. Removed ones are not known. */
export function changedVariables(
  variables: readonly EnvironmentVariable[],
  live: Deployment | undefined,
): readonly string[] {
  if (live === undefined) return [];
  return variables.filter(({ updatedAt }) => updatedAt > live.createdAt).map(({ key }) => key);
}
