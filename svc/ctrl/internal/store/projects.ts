/** Projects. All reads are by workspace: another workspace's project counts as missing. */
import { lockRows } from "../../../../pkg/db/mod.ts";
import type { ProjectId } from "../../../../pkg/uid/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import { createEnvironment } from "./environments.ts";
import type { ProjectsTable } from "./schema.ts";

export interface NewProject {
  readonly id: ProjectId;
  readonly workspaceId: string;
  readonly name: string;
  readonly slug: string;
  readonly defaultBranch: string;
  readonly nowMs: number;
}

/** Every project has them from the start. */
export const FIRST_ENVIRONMENTS: readonly string[] = ["production", "preview"];

/** Makes a project with its first environments. @throws `already_exists` when the slug is taken in the workspace */
export async function createProject(tx: Tx, project: NewProject): Promise<void> {
  await tx.insertInto("projects").values({
    id: project.id,
    workspace_id: project.workspaceId,
    name: project.name,
    slug: project.slug,
    default_branch: project.defaultBranch,
    depot_project_id: null,
    command: "[]",
    created_at: project.nowMs,
    updated_at: project.nowMs,
  }).execute();
  for (const slug of FIRST_ENVIRONMENTS) {
    await createEnvironment(tx, {
      workspaceId: project.workspaceId,
      projectId: project.id,
      slug,
      description: "",
      nowMs: project.nowMs,
    });
  }
}

/** The project, by primary key. */
export async function findProject(
  db: Queryable,
  workspaceId: string,
  id: string,
): Promise<ProjectsTable | undefined> {
  return await db.selectFrom("projects").selectAll()
    .where("id", "=", id).where("workspace_id", "=", workspaceId).executeTakeFirst();
}

/** All projects of a workspace by slug, served by the unique key of workspace and slug. */
export async function listProjects(db: Queryable, workspaceId: string): Promise<ProjectsTable[]> {
  return await db.selectFrom("projects").selectAll()
    .where("workspace_id", "=", workspaceId).orderBy("slug").execute();
}

/** Slugs of projects by their ids, by primary key. */
export async function findProjectSlugs(
  db: Queryable,
  workspaceId: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db.selectFrom("projects").select(["id", "slug"])
    .where("id", "in", [...new Set(ids)]).where("workspace_id", "=", workspaceId).execute();
  return new Map(rows.map(({ id, slug }) => [id, slug]));
}

/** Makes other callers for this project wait until the transaction ends. */
export async function lockProject(tx: Tx, id: string): Promise<void> {
  await lockRows(tx, tx.selectFrom("projects").select("id").where("id", "=", id)).execute();
}
