/** Reads what the palette leads to. */
import { type Api, soon } from "../api/clients.ts";
import { deploymentEntry, environmentEntries } from "./entries.ts";
import type { Entry } from "./entry.ts";

/** A workspace may have more: their pages have links to all. */
const PROJECTS_MAX = 50;
const PROJECTS_AT_ONCE = 4;
const DEPLOYMENTS = 100;

/** Environments of the first projects, then the newest deployments. */
export async function readEntries(
  api: Pick<Api, "admin" | "deployments">,
  signal: AbortSignal,
): Promise<readonly Entry[]> {
  const options = soon(signal);
  const [{ projects }, { deployments }] = await Promise.all([
    api.admin.listProjects({}, options),
    api.deployments.listDeployments({ pageSize: DEPLOYMENTS }, options),
  ]);
  const entries: Entry[] = [];
  for (let start = 0; start < Math.min(projects.length, PROJECTS_MAX); start += PROJECTS_AT_ONCE) {
    const part = projects.slice(start, Math.min(start + PROJECTS_AT_ONCE, PROJECTS_MAX));
    const found = await Promise.all(part.map(async (project) => {
      const { environments } = await api.admin.listEnvironments({ projectId: project.id }, options);
      return environments.flatMap((environment) => environmentEntries(project, environment));
    }));
    entries.push(...found.flat());
  }
  return [...entries, ...deployments.map(deploymentEntry)];
}
