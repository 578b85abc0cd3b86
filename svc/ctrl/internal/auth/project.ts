import { publicFault } from "../../../../pkg/fault/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import {
  type CtrlDatabase,
  type EnvironmentsTable,
  findEnvironmentBySlug,
  findProject,
  listEnvironments,
  type ProjectsTable,
} from "../store/mod.ts";
import { invalid, text } from "../validate/mod.ts";
import { type ProjectAction, requireInProject } from "./permissions.ts";
import type { RootKeyPrincipal } from "./principal.ts";

export interface LookUpDeps {
  readonly db: CtrlDatabase;
}

/**
 * The project that the caller means, if the caller may do `action` there.
 *
 * @throws `not_found` also for another workspace's, which must not reveal that it exists; `permission_denied`
 */
export async function requireProject(
  { db }: LookUpDeps,
  caller: RootKeyPrincipal,
  { id, action, field = "project_id" }: {
    readonly id: string;
    readonly action: ProjectAction;
    readonly field?: string;
  },
): Promise<ProjectsTable> {
  if (id === "") throw invalid(field, "is required");
  const known = parseId("project", field, id);
  const project = await findProject(db.kysely, caller.workspaceId, known);
  if (project === undefined) {
    throw publicFault("not_found", `Project "${id}" was not found: "unkey list projects" shows yours.`);
  }
  requireInProject(caller, action, project.id);
  return project;
}

/** The project's environment with this slug. @throws `not_found` that names those there are */
export async function requireEnvironment(
  { db }: LookUpDeps,
  project: ProjectsTable,
  given: string,
): Promise<EnvironmentsTable> {
  const slug = text("environment_slug", given, 63);
  const found = await findEnvironmentBySlug(db.kysely, project.workspace_id, project.id, slug);
  if (found !== undefined) return found;
  const known = await listEnvironments(db.kysely, project.workspace_id, project.id);
  const hint = known.length === 0
    ? "It has none yet"
    : `It has: ${known.map((each) => each.slug).join(", ")}`;
  throw publicFault(
    "not_found",
    `Environment "${slug}" was not found in project "${project.slug}". ${hint}.`,
  );
}
