/** Counts of the things that a workspace has, for its limits. Each is over an index that begins with the workspace or its projects. */
import { ACTIVE_STATUSES } from "../deployments/status.ts";
import type { Queryable } from "./database.ts";

/** Projects of a workspace. */
export async function countProjects(db: Queryable, workspaceId: string): Promise<number> {
  return countOf(
    await db.selectFrom("projects").select(({ fn }) => fn.countAll().as("count"))
      .where("workspace_id", "=", workspaceId).executeTakeFirst(),
  );
}

/** Environments of all projects of a workspace. */
export async function countWorkspaceEnvironments(db: Queryable, workspaceId: string): Promise<number> {
  return countOf(
    await db.selectFrom("environments").select(({ fn }) => fn.countAll().as("count"))
      .where("workspace_id", "=", workspaceId).where("deleted_at", "=", 0).executeTakeFirst(),
  );
}

/** Variables of all environments of a workspace. */
export async function countWorkspaceVariables(db: Queryable, workspaceId: string): Promise<number> {
  return countOf(
    await db.selectFrom("environment_variables").select(({ fn }) => fn.countAll().as("count"))
      .where("workspace_id", "=", workspaceId).executeTakeFirst(),
  );
}

/** Deployments of a workspace that have no outcome yet. */
export async function countActiveDeployments(db: Queryable, workspaceId: string): Promise<number> {
  return countOf(
    await db.selectFrom("deployments").select(({ fn }) => fn.countAll().as("count"))
      .where("workspace_id", "=", workspaceId).where("status", "in", [...ACTIVE_STATUSES]).executeTakeFirst(),
  );
}

/** Instances of a workspace that are wanted by deployments whose number of instances follows the load. */
export async function countScaledInstances(db: Queryable, workspaceId: string): Promise<number> {
  return countOf(
    await db.selectFrom("scaled_placements as s").innerJoin(
      "deployment_topology as t",
      (join) =>
        join.onRef("t.deployment_id", "=", "s.deployment_id").onRef("t.region", "=", "s.region")
          .onRef("t.workspace_id", "=", "s.workspace_id"),
    )
      .select(({ fn }) => fn.sum("t.desired_replicas").as("count"))
      .where("s.workspace_id", "=", workspaceId).executeTakeFirst(),
  );
}

/** Deployments of a workspace since a time, and the time of the first of them. */
export async function countDeploymentsSince(
  db: Queryable,
  workspaceId: string,
  sinceMs: number,
): Promise<{ readonly count: number; readonly firstMs: number | undefined }> {
  const row = await db.selectFrom("deployments")
    .select(({ fn }) => [fn.countAll().as("count"), fn.min("created_at").as("first")])
    .where("workspace_id", "=", workspaceId).where("created_at", ">", sinceMs).executeTakeFirst();
  const first = row?.first ?? undefined;
  return { count: countOf(row), firstMs: first === undefined ? undefined : Number(first) };
}

function countOf(row: { readonly count: unknown } | undefined): number {
  return Number(row?.count ?? 0);
}
