/** Host names without a branch: a project's is its slug, an environment's the project's and its own with a hyphen between them. */
import type { Queryable } from "./database.ts";

/** A project, or an environment of it. */
export interface NameOwner {
  readonly project: string;
  readonly environment: string | undefined;
}

/**
 * The first project or environment of the workspace that has one of these names. A name of three words can be a project's, and that of
 * two environments. The unique indices of projects and environments serve it.
 */
export async function findNameOwner(
  db: Queryable,
  workspaceId: string,
  names: readonly string[],
): Promise<NameOwner | undefined> {
  const project = await db.selectFrom("projects").select("slug")
    .where("workspace_id", "=", workspaceId).where("slug", "in", [...names]).limit(1).executeTakeFirst();
  if (project !== undefined) return { project: project.slug, environment: undefined };
  const pairs = names.flatMap(splits);
  if (pairs.length === 0) return undefined;
  const environment = await db.selectFrom("environments")
    .innerJoin("projects", "projects.id", "environments.project_id")
    .select(["projects.slug as project", "environments.slug as environment"])
    .where("projects.workspace_id", "=", workspaceId)
    .where(({ or, and, eb }) =>
      or(
        pairs.map(([first, rest]) =>
          and([eb("projects.slug", "=", first), eb("environments.slug", "=", rest)])
        ),
      )
    )
    .limit(1).executeTakeFirst();
  return environment;
}

/** The two parts of a name, for each hyphen. */
function splits(name: string): readonly (readonly [string, string])[] {
  return Array.from(
    name.matchAll(/-/g),
    ({ index }) => [name.slice(0, index), name.slice(index + 1)] as const,
  );
}
