/** Host names that users bring. */
import { lockRows } from "../../../../pkg/db/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { CustomDomainsTable } from "./schema_domains.ts";

export async function insertCustomDomain(tx: Tx, row: CustomDomainsTable): Promise<void> {
  await tx.insertInto("custom_domains").values(row).execute();
}

/** A workspace's domain of this name. By unique index. */
export async function findCustomDomain(
  db: Queryable,
  { workspaceId, hostname }: { readonly workspaceId: string; readonly hostname: string },
): Promise<CustomDomainsTable | undefined> {
  return await db.selectFrom("custom_domains").selectAll().where("workspace_id", "=", workspaceId)
    .where("hostname", "=", hostname).executeTakeFirst();
}

/** A domain by primary key. */
export async function findCustomDomainById(
  db: Queryable,
  id: string,
): Promise<CustomDomainsTable | undefined> {
  return await db.selectFrom("custom_domains").selectAll().where("id", "=", id).executeTakeFirst();
}

/** The same, locked until the transaction ends. */
export async function lockCustomDomain(tx: Tx, id: string): Promise<CustomDomainsTable | undefined> {
  return await lockRows(tx, tx.selectFrom("custom_domains").selectAll().where("id", "=", id))
    .executeTakeFirst();
}

/** The number of names that a workspace wants. */
export async function countCustomDomains(db: Queryable, workspaceId: string): Promise<number> {
  const { count } = await db.selectFrom("custom_domains").select((eb) => eb.fn.countAll<number>().as("count"))
    .where("workspace_id", "=", workspaceId).executeTakeFirstOrThrow();
  return Number(count);
}

export async function updateCustomDomain(
  db: Queryable,
  id: string,
  changes: Partial<Omit<CustomDomainsTable, "id" | "hostname">> & { readonly updated_at: number },
): Promise<void> {
  await db.updateTable("custom_domains").set(changes).where("id", "=", id).execute();
}

export async function deleteCustomDomain(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom("custom_domains").where("id", "=", id).execute();
}

/** Verified names of an environment: its live deployment answers for them. Index on the environment. */
export async function listVerifiedHostnames(db: Queryable, environmentId: string): Promise<string[]> {
  const rows = await db.selectFrom("custom_domains").select("hostname")
    .where("environment_id", "=", environmentId).where("status", "=", "verified").orderBy("hostname")
    .execute();
  return rows.map(({ hostname }) => hostname);
}

/** Domains whose check is due since before `dueBeforeMs`, the longest first. Those that failed are not checked. */
export async function listDueDomains(
  db: Queryable,
  { dueBeforeMs, limit }: { readonly dueBeforeMs: number; readonly limit: number },
): Promise<string[]> {
  const rows = await db.selectFrom("custom_domains").select("id").where("next_check_at", "<=", dueBeforeMs)
    .where("status", "!=", "failed").orderBy("next_check_at").limit(limit).execute();
  return rows.map(({ id }) => id);
}

/** Names of the workspace whose requests are sent to this one. */
export async function listRedirectsTo(
  db: Queryable,
  { workspaceId, hostname }: { readonly workspaceId: string; readonly hostname: string },
): Promise<string[]> {
  const rows = await db.selectFrom("custom_domains").select("hostname")
    .where("workspace_id", "=", workspaceId).where("redirect_to", "=", hostname).orderBy("hostname")
    .execute();
  return rows.map((row) => row.hostname);
}
