/** The data of the overview: a card for each environment of each project, and the regions. */
import type { Environment, Project, RegionStatus } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import type { Deployment } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { isUnderWay } from "../text/status.ts";
import { type Api, soon } from "./clients.ts";

export interface Card {
  readonly project: Project;
  readonly environment: Environment;
  readonly live: Deployment | undefined;
  /** The newest deployment when it is another one than the live one. */
  readonly newest: Deployment | undefined;
}

export interface Overview {
  readonly cards: readonly Card[];
  /** Newest first. */
  readonly recent: readonly Deployment[];
  /** Empty, too, for a key that may not see them. */
  readonly regions: readonly RegionStatus[];
}

const RECENT = 50;
const PROJECTS_AT_ONCE = 4;

/** Reads everything that the overview shows. */
export async function readOverview(api: Api, signal: AbortSignal): Promise<Overview> {
  const options = soon(signal);
  const [{ projects }, { deployments: recent }, regions] = await Promise.all([
    api.admin.listProjects({}, options),
    api.deployments.listDeployments({ pageSize: RECENT }, options),
    // A key of one project may not see them, and the page is useful without.
    api.admin.getStatus({}, options).then((status) => status.regions, () => []),
  ]);
  const known = new Map(recent.map((each) => [each.id, each]));
  const cards: Card[] = [];
  for (let start = 0; start < projects.length; start += PROJECTS_AT_ONCE) {
    const part = projects.slice(start, start + PROJECTS_AT_ONCE);
    const found = await Promise.all(part.map((project) => cardsOf(api, project, known, options)));
    cards.push(...found.flat());
  }
  return { cards: cards.toSorted(busiestFirst), recent, regions };
}

async function cardsOf(
  api: Api,
  project: Project,
  known: ReadonlyMap<string, Deployment>,
  options: { readonly signal: AbortSignal },
): Promise<Card[]> {
  const { environments } = await api.admin.listEnvironments({ projectId: project.id }, options);
  return await Promise.all(environments.map(async (environment) => {
    const id = environment.liveDeploymentId;
    const live = id === "" ? undefined : known.get(id) ??
      (await api.deployments.getDeployment({ deploymentId: id }, options)).deployment;
    const newest = [...known.values()].find((each) =>
      each.projectId === project.id && each.environmentId === environment.id && each.id !== id &&
      each.createdAt >= (live?.createdAt ?? 0n)
    );
    return { project, environment, live, newest };
  }));
}

/** Deploys that go on, then what is live, then the rest; each in the order of their names. */
function busiestFirst(one: Card, other: Card): number {
  const rank = ({ live, newest }: Card): number =>
    newest !== undefined && isUnderWay(newest.status)
      ? 0
      : live !== undefined
      ? 1
      : newest === undefined
      ? 3
      : 2;
  const name = ({ project, environment }: Card): string => `${project.slug}/${environment.slug}`;
  return rank(one) - rank(other) || name(one).localeCompare(name(other));
}
