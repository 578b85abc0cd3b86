/** Which workspace holds a host name, or held it last. Its row decides between workspaces that want the same one. */
import { insertIgnore, lockRows, upsert } from "../../../../pkg/db/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { HeldHostnamesTable } from "./schema_domains.ts";

export async function findHeldHostname(
  db: Queryable,
  hostname: string,
): Promise<HeldHostnamesTable | undefined> {
  return await db.selectFrom("held_hostnames").selectAll().where("hostname", "=", hostname)
    .executeTakeFirst();
}

/** The same, locked until the transaction ends; a name that no workspace has had gets a row without one. */
export async function lockHeldHostname(
  tx: Tx,
  hostname: string,
  nowMs: number,
): Promise<HeldHostnamesTable> {
  const row = { hostname, workspace_id: "", domain_id: null, updated_at: nowMs };
  await insertIgnore(tx, "held_hostnames", [row], ["hostname"]);
  const query = tx.selectFrom("held_hostnames").selectAll().where("hostname", "=", hostname);
  return await lockRows(tx, query).executeTakeFirst() ?? row;
}

/** Gives the name to a domain, in place of the former holder. */
export async function holdHostname(tx: Tx, row: HeldHostnamesTable): Promise<void> {
  await upsert(tx, "held_hostnames", [row], {
    key: ["hostname"],
    update: ["workspace_id", "domain_id", "updated_at"],
  });
}

/** Gives up what a domain holds. Its workspace is remembered. */
export async function releaseHostname(
  tx: Tx,
  domainId: string,
  hostname: string,
  nowMs: number,
): Promise<void> {
  await tx.updateTable("held_hostnames").set({ domain_id: null, updated_at: nowMs })
    .where("hostname", "=", hostname).where("domain_id", "=", domainId).execute();
}
