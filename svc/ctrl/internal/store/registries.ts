/** Credentials for registries, as ciphertext. */
import { upsert } from "../../../../pkg/db/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { RegistryCredentialsTable } from "./schema.ts";
import { lockWorkspace } from "./workspaces.ts";

/** Credentials for one registry. */
export interface NewRegistryCredentials {
  readonly workspaceId: string;
  readonly host: string;
  readonly username: string;
  readonly ciphertext: string;
  readonly nowMs: number;
}

/** Stores credentials, in place of those of the same host. */
export async function setRegistryCredentials(tx: Tx, given: NewRegistryCredentials): Promise<void> {
  const { workspaceId, host, username, ciphertext, nowMs } = given;
  const row: RegistryCredentialsTable = {
    workspace_id: workspaceId,
    host,
    username,
    ciphertext,
    created_at: nowMs,
    updated_at: nowMs,
  };
  await upsert(tx, "registry_credentials", [row], {
    key: ["workspace_id", "host"],
    update: ["username", "ciphertext", "updated_at"],
  });
}

/** All credentials of a workspace by host, served by the primary key. */
export async function listRegistryCredentials(
  db: Queryable,
  workspaceId: string,
): Promise<RegistryCredentialsTable[]> {
  return await db.selectFrom("registry_credentials").selectAll()
    .where("workspace_id", "=", workspaceId).orderBy("host").execute();
}

/** The same, locked: other transactions that change them for this workspace wait until this one ends. */
export async function lockRegistryCredentials(
  tx: Tx,
  workspaceId: string,
): Promise<RegistryCredentialsTable[]> {
  await lockWorkspace(tx, workspaceId);
  return await listRegistryCredentials(tx, workspaceId);
}

/** Removes the credentials for a host; false when there were none. */
export async function removeRegistryCredentials(
  db: Queryable,
  workspaceId: string,
  host: string,
): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom("registry_credentials")
    .where("workspace_id", "=", workspaceId).where("host", "=", host).executeTakeFirst();
  return numDeletedRows > 0n;
}
