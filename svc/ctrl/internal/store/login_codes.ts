/** Codes for a login from another machine. Only their hashes are stored. */
import type { Queryable, Tx } from "./database.ts";
import type { LoginCodesTable } from "./schema_credentials.ts";

/** Stores a code, and forgets those that have expired. */
export async function createLoginCode(tx: Tx, code: LoginCodesTable): Promise<void> {
  await tx.deleteFrom("login_codes").where("expires_at", "<", code.created_at).execute();
  await tx.insertInto("login_codes").values(code).execute();
}

/** The code of a hash, by primary key; also one that has expired. */
export async function findLoginCode(db: Queryable, hash: string): Promise<LoginCodesTable | undefined> {
  return await db.selectFrom("login_codes").selectAll().where("hash", "=", hash).executeTakeFirst();
}

/** Uses a code up. False: another call was faster. */
export async function deleteLoginCode(tx: Tx, hash: string): Promise<boolean> {
  const { numDeletedRows } = await tx.deleteFrom("login_codes").where("hash", "=", hash).executeTakeFirst();
  return numDeletedRows > 0n;
}
