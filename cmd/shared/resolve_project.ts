import { distance } from "fastest-levenshtein";
import type { Client } from "@connectrpc/connect";
import type { AdminService, Project } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { publicFault } from "../../pkg/fault/mod.ts";

const DISTANCE_MAX = 3;
const LISTED_MAX = 20;

export interface ProjectHints {
  /** A slug or an id, given by flag, variable or `unkey.json`. */
  readonly given: string | undefined;
  /** The folder's own name. */
  readonly folder: string;
}

/**
 * The project to deploy: the given one, else the one called like the folder, else the only one of the workspace.
 *
 * @throws `not_found` that lists the projects; a project of another workspace is no different from a missing one
 */
export async function resolveProject(
  admin: Client<typeof AdminService>,
  hints: ProjectHints,
  signal: AbortSignal,
): Promise<Project> {
  const { projects } = await admin.listProjects({}, { signal });
  const wanted = hints.given;
  const find = (name: string): Project | undefined =>
    projects.find(({ id, slug }) => id === name || slug === name);
  if (wanted !== undefined) {
    const found = find(wanted);
    if (found !== undefined) return found;
    throw publicFault(
      "not_found",
      `There is no project "${wanted}" in your workspace. ${suggestion(wanted, projects)}`,
    );
  }
  const [only] = projects;
  const chosen = find(hints.folder) ?? (projects.length === 1 ? only : undefined);
  if (chosen !== undefined) return chosen;
  throw publicFault(
    "not_found",
    `Which project? Say it with --project. ${suggestion(hints.folder, projects)}`,
  );
}

function suggestion(wanted: string, projects: readonly Project[]): string {
  const slugs = projects.map(({ slug }) => slug).toSorted();
  if (slugs.length === 0) return "The workspace has no project yet.";
  const [nearest] = slugs.toSorted((a, b) => distance(a, wanted) - distance(b, wanted));
  const near = nearest !== undefined && distance(nearest, wanted) <= DISTANCE_MAX
    ? `Did you mean "${nearest}"? `
    : "";
  const more = slugs.length > LISTED_MAX ? `, and ${slugs.length - LISTED_MAX} more` : "";
  return `${near}Yours: ${slugs.slice(0, LISTED_MAX).join(", ")}${more}.`;
}
