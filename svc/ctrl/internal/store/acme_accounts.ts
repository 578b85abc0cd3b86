/** Accounts at certificate authorities, with their keys as ciphertext. */
import { insertIgnore } from "../../../../pkg/db/mod.ts";
import type { Queryable } from "./database.ts";
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

/** Stores a new account unless there is one, and returns the one that is there. */
export async function createAcmeAccount(
  db: Queryable,
  account: AccountKey & Pick<AcmeAccountsTable, "encrypted_key">,
  nowMs: number,
): Promise<AcmeAccountsTable | undefined> {
  const row: AcmeAccountsTable = { ...account, account_url: null, created_at: nowMs };
  await insertIgnore(db, "acme_accounts", [row], ["workspace_id", "directory_url"]);
  return await findAcmeAccount(db, account);
}

/** Notes where the authority has the account; `null`: it does not know it any more. */
export async function setAcmeAccountUrl(db: Queryable, key: AccountKey, url: string | null): Promise<void> {
  await db.updateTable("acme_accounts").set({ account_url: url }).where("workspace_id", "=", key.workspace_id)
    .where("directory_url", "=", key.directory_url).execute();
}
