/** The data of an environment's page. */
import { Code, ConnectError } from "@connectrpc/connect";
import type { Environment, EnvironmentVariable, Project } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import type { CustomDomain } from "../../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import type { Deployment } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { TrafficSwitch } from "../../../proto/gen/ctrl/v1/traffic_switch_pb.ts";
import { type Api, soon } from "../api/clients.ts";

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
}

const DEPLOYMENTS = 20;
const SWITCHES = 50;

/** Reads everything that the page shows. @throws `not_found` */
export async function readEnvironment(
  api: Api,
  place: Place,
  signal: AbortSignal,
): Promise<EnvironmentPage> {
  const options = soon(signal);
  const { projectId, environmentSlug } = place;
  const [{ projects }, { environments }, { deployments }, { switches }, variables, domains] = await Promise
    .all([
      api.admin.listProjects({}, options),
      api.admin.listEnvironments({ projectId }, options),
      api.deployments.listDeployments({ ...place, pageSize: DEPLOYMENTS }, options),
      api.deployments.listSwitches({ ...place, pageSize: SWITCHES }, options),
      permitted(api.admin.listEnvironmentVariables(place, options).then((found) => found.variables)),
      permitted(api.domains.listCustomDomains(place, options).then((found) => found.domains)),
    ]);
  const project = projects.find(({ id }) => id === projectId);
  const environment = environments.find(({ slug }) => slug === environmentSlug);
  if (project === undefined || environment === undefined) {
    throw new ConnectError(`There is no environment "${environmentSlug}" in this project.`, Code.NotFound);
  }
  const id = environment.liveDeploymentId;
  const live = id === "" ? undefined : deployments.find((each) => each.id === id) ??
    (await api.deployments.getDeployment({ deploymentId: id }, options)).deployment;
  return { project, environment, live, deployments, switches, variables, domains };
}

/** `undefined` for a key that may not see it. */
export async function permitted<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (ConnectError.from(error).code === Code.PermissionDenied) return undefined;
    throw error;
  }
}

/** The variables that the live deployment does not have as they are now. Removed ones are not known. */
export function changedVariables(
  variables: readonly EnvironmentVariable[],
  live: Deployment | undefined,
): readonly string[] {
  if (live === undefined) return [];
  return variables.filter(({ updatedAt }) => updatedAt > live.createdAt).map(({ key }) => key);
}
