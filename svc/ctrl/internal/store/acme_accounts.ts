/** Accounts at certificate authorities, with their keys as ciphertext. */
import { type AcmeLimit, lockAcmeDirectory } from "./acme_orders.ts";
import type { Queryable, Tx } from "./database.ts";
import type { AcmeAccountsTable } from "./schema_certificates.ts";

/** An account by its owner and authority. */
export type AccountKey = Pick<AcmeAccountsTable, "workspace_id" | "directory_url">;

/** By primary key. */
export async function findAcmeAccount(
  db: Queryable,
  { workspace_id, directory_url }: AccountKey,
): Promise<AcmeAccountsTable | undefined> {
  return await db.selectFrom("acme_accounts").selectAll().where("workspace_id", "=", workspace_id)
    .where("directory_url", "=", directory_url).executeTakeFirst();
}

/** An account that is there now, or the time until which the authority takes no more of them. */
export type OpenedAccount =
  | { readonly kind: "there"; readonly account: AcmeAccountsTable }
  | { readonly kind: "full"; readonly untilMs: number };

/** Stores a new account unless there is one, or the limit is spent. */
export async function createAcmeAccount(
  tx: Tx,
  account: AccountKey & Pick<AcmeAccountsTable, "encrypted_key">,
  { limit, nowMs }: { readonly limit: AcmeLimit | undefined; readonly nowMs: number },
): Promise<OpenedAccount> {
  const { directory_url } = account;
  await lockAcmeDirectory(tx, directory_url, nowMs);
  const there = await findAcmeAccount(tx, account);
  if (there !== undefined) return { kind: "there", account: there };
  if (limit !== undefined) {
    const young = await tx.selectFrom("acme_accounts").select("created_at")
      .where("directory_url", "=", directory_url).where("created_at", ">", nowMs - limit.windowMs)
      .orderBy("created_at", "desc").limit(limit.max).execute();
    const oldest = young[limit.max - 1];
    if (oldest !== undefined) return { kind: "full", untilMs: oldest.created_at + limit.windowMs };
  }
  const row: AcmeAccountsTable = { ...account, account_url: null, created_at: nowMs };
  await tx.insertInto("acme_accounts").values(row).execute();
  return { kind: "there", account: row };
}

/** Notes where the authority has the account; `null`: it does not know it any more. */
export async function setAcmeAccountUrl(db: Queryable, key: AccountKey, url: string | null): Promise<void> {
  await db.updateTable("acme_accounts").set({ account_url: url }).where("workspace_id", "=", key.workspace_id)
    .where("directory_url", "=", key.directory_url).execute();
}
