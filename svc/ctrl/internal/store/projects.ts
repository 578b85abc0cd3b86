/** Projects and their environments. All reads are by workspace: another workspace's project is as good as missing. */
import { newId, type ProjectId } from "../../../../pkg/uid/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import { recordLive } from "./live_history.ts";
import type { EnvironmentsTable, ProjectsTable } from "./schema.ts";

/** What a project is made of. */
export interface NewProject {
  readonly id: ProjectId;
  readonly workspaceId: string;
  readonly name: string;
  readonly slug: string;
  readonly defaultBranch: string;
  readonly nowMs: number;
}

const FIRST_ENVIRONMENTS = ["production", "preview"];

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

/** What an environment is made of. */
export interface NewEnvironment {
  readonly workspaceId: string;
  readonly projectId: string;
  readonly slug: string;
  readonly description: string;
  readonly nowMs: number;
}

/** Makes an environment and returns its id. @throws `already_exists` when the slug is taken in the project */
export async function createEnvironment(db: Queryable, environment: NewEnvironment): Promise<string> {
  const id = newId("environment", environment.nowMs);
  await db.insertInto("environments").values({
    id,
    workspace_id: environment.workspaceId,
    project_id: environment.projectId,
    slug: environment.slug,
    description: environment.description,
    live_deployment_id: null,
    is_rolled_back: 0,
    next_sequence: 1,
    created_at: environment.nowMs,
    updated_at: environment.nowMs,
    deleted_at: 0,
  }).execute();
  return id;
}

/** The environment, by primary key; a deleted one is as good as missing, here and below. */
export async function findEnvironment(
  db: Queryable,
  workspaceId: string,
  id: string,
): Promise<EnvironmentsTable | undefined> {
  return await db.selectFrom("environments").selectAll()
    .where("id", "=", id).where("workspace_id", "=", workspaceId).where("deleted_at", "=", 0)
    .executeTakeFirst();
}

/** The environment, by its slug, which is unique in the project. */
export async function findEnvironmentBySlug(
  db: Queryable,
  workspaceId: string,
  projectId: string,
  slug: string,
): Promise<EnvironmentsTable | undefined> {
  return await db.selectFrom("environments").selectAll()
    .where("project_id", "=", projectId).where("slug", "=", slug)
    .where("workspace_id", "=", workspaceId).where("deleted_at", "=", 0).executeTakeFirst();
}

/** All environments of a project by slug, served by the unique key of project and slug. */
export async function listEnvironments(
  db: Queryable,
  workspaceId: string,
  projectId: string,
): Promise<EnvironmentsTable[]> {
  return await db.selectFrom("environments").selectAll()
    .where("project_id", "=", projectId).where("workspace_id", "=", workspaceId)
    .where("deleted_at", "=", 0).orderBy("slug").execute();
}

/**
 * Moves the environment's live pointer from `expected` to `next`, sets whether it is rolled back, and records what is
 * live in the environment's history. The caller holds the environment's row.
 *
 * @returns false when the pointer was not `expected`: somebody else moved it, and nothing was changed
 */
export async function swapLiveDeployment(
  tx: Tx,
  swap: {
    readonly environmentId: string;
    readonly expected: string | undefined;
    readonly next: string | undefined;
    readonly rolledBack: boolean;
    readonly nowMs: number;
  },
): Promise<boolean> {
  const update = tx.updateTable("environments")
    .set({
      live_deployment_id: swap.next ?? null,
      is_rolled_back: swap.rolledBack ? 1 : 0,
      updated_at: swap.nowMs,
    })
    .where("id", "=", swap.environmentId);
  const guarded = swap.expected === undefined
    ? update.where("live_deployment_id", "is", null)
    : update.where("live_deployment_id", "=", swap.expected);
  if ((await guarded.executeTakeFirst()).numUpdatedRows === 0n) return false;
  const { environmentId, expected, next, rolledBack, nowMs } = swap;
  if (next !== undefined && next !== expected) {
    const move = { environmentId, deploymentId: next, displaced: expected, back: rolledBack, nowMs };
    await recordLive(tx, move);
  }
  return true;
}
