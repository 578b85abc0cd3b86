/** Passwords that visitors of environments have to give. A row without an environment is that of all previews. */
import { upsert } from "../../../../pkg/db/mod.ts";
import { PRODUCTION_SLUG } from "../deployments/host_label.ts";
import type { Queryable, Tx } from "./database.ts";
import type { EnvironmentsTable, FrontlineRoutesTable, ProtectionsTable } from "./schema.ts";

/** The environment of the row of all previews. */
export const ALL_PREVIEWS = "";

/** All rows of a project. By primary key. */
export async function listProtections(
  db: Queryable,
  { workspaceId, projectId }: { readonly workspaceId: string; readonly projectId: string },
): Promise<readonly ProtectionsTable[]> {
  return await db.selectFrom("protections").selectAll()
    .where("workspace_id", "=", workspaceId).where("project_id", "=", projectId)
    .orderBy("environment_id").execute();
}

/** The row that holds for an environment; `undefined`: everybody may see it. */
export function protectionOf(
  rows: readonly ProtectionsTable[],
  { id, slug }: Pick<EnvironmentsTable, "id" | "slug">,
): ProtectionsTable | undefined {
  const own = rows.find((row) => row.environment_id === id);
  const found = own ??
    (slug === PRODUCTION_SLUG ? undefined : rows.find((row) => row.environment_id === ALL_PREVIEWS));
  return found?.mode === "password" ? found : undefined;
}

/**
 * The rows that hold for the environments of these routes, by the environment. By primary keys: one statement, and one more
 * where all previews of a project are protected.
 */
export async function protectionsOfRoutes(
  db: Queryable,
  routes: readonly Pick<FrontlineRoutesTable, "workspace_id" | "project_id" | "environment_id">[],
): Promise<ReadonlyMap<string, ProtectionsTable>> {
  if (routes.length === 0) return new Map();
  const rows = await db.selectFrom("protections").selectAll()
    .where("workspace_id", "in", [...new Set(routes.map((each) => each.workspace_id))])
    .where("project_id", "in", [...new Set(routes.map((each) => each.project_id))]).execute();
  if (rows.length === 0) return new Map();
  const byProject = Map.groupBy(rows, (row) => row.project_id);
  const concerned = routes.filter(({ project_id }) => byProject.has(project_id));
  if (concerned.length === 0) return new Map();
  const environments = await db.selectFrom("environments").select(["id", "slug", "project_id"])
    .where("id", "in", [...new Set(concerned.map((each) => each.environment_id))]).execute();
  return new Map(environments.flatMap((environment) => {
    const found = protectionOf(byProject.get(environment.project_id) ?? [], environment);
    return found === undefined ? [] : [[environment.id, found]];
  }));
}

/** Writes the row in the place of the one that there was. */
export async function putProtection(tx: Tx, row: ProtectionsTable): Promise<void> {
  await upsert(tx, "protections", [row], {
    key: ["workspace_id", "project_id", "environment_id"],
    update: ["mode", "password_hash", "sealed_key", "updated_at"],
  });
}

/** Replaces the key of links and cookies. */
export async function setProtectionKey(
  tx: Tx,
  row: ProtectionsTable,
  { sealedKey, nowMs }: { readonly sealedKey: string; readonly nowMs: number },
): Promise<void> {
  await tx.updateTable("protections").set({ sealed_key: sealedKey, updated_at: nowMs })
    .where("workspace_id", "=", row.workspace_id).where("project_id", "=", row.project_id)
    .where("environment_id", "=", row.environment_id).execute();
}

/** Removes these rows. */
export async function removeProtections(tx: Tx, rows: readonly ProtectionsTable[]): Promise<void> {
  for (const row of rows) {
    await tx.deleteFrom("protections").where("workspace_id", "=", row.workspace_id)
      .where("project_id", "=", row.project_id).where("environment_id", "=", row.environment_id).execute();
  }
}

/** Removes the row of an environment that is deleted. */
export async function removeProtectionOfEnvironment(
  tx: Tx,
  { workspace_id, project_id, id }: Pick<EnvironmentsTable, "workspace_id" | "project_id" | "id">,
): Promise<void> {
  await tx.deleteFrom("protections").where("workspace_id", "=", workspace_id)
    .where("project_id", "=", project_id).where("environment_id", "=", id).execute();
}
