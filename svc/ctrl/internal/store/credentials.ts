/** Root keys and region tokens. Only their hashes are stored. */
import type { Queryable, Tx } from "./database.ts";
import type { Page } from "./page.ts";
import type { RootKeysTable } from "./schema.ts";
import type { RegionTokensTable } from "./schema_credentials.ts";

/** Stores a root key. */
export async function createRootKey(
  db: Queryable,
  key: {
    readonly id: string;
    readonly workspaceId: string;
    readonly name: string;
    /** SHA-256, hex. */
    readonly hash: string;
    /** The first characters, to recognise it by. */
    readonly start: string;
    readonly permissions: readonly string[];
    readonly nowMs: number;
  },
): Promise<void> {
  await db.insertInto("root_keys").values({
    id: key.id,
    workspace_id: key.workspaceId,
    name: key.name,
    hash: key.hash,
    start: key.start,
    permissions: JSON.stringify(key.permissions),
    created_at: key.nowMs,
    revoked_at: null,
  }).execute();
}

/** Keys of a workspace that are not revoked, oldest first. Index on the workspace. */
export async function listRootKeys(db: Queryable, workspaceId: string): Promise<RootKeysTable[]> {
  return await db.selectFrom("root_keys").selectAll()
    .where("workspace_id", "=", workspaceId).where("revoked_at", "is", null)
    .orderBy("created_at").orderBy("id").execute();
}

/** Revokes a key; false when the workspace has no such valid key. */
export async function revokeRootKey(
  db: Queryable,
  options: { readonly workspaceId: string; readonly id: string; readonly nowMs: number },
): Promise<boolean> {
  const { numUpdatedRows } = await db.updateTable("root_keys").set({ revoked_at: options.nowMs })
    .where("id", "=", options.id).where("workspace_id", "=", options.workspaceId)
    .where("revoked_at", "is", null).executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Stores the credential of a region's agent, or of an edge when the region is `*`. */
export async function createRegionToken(
  db: Queryable,
  token: {
    readonly id: string;
    readonly region: string;
    readonly hash: string;
    /** Empty: the default rule holds for the addresses of the agent. */
    readonly networks: readonly string[];
    readonly nowMs: number;
  },
): Promise<void> {
  await db.insertInto("region_tokens").values({
    id: token.id,
    region: token.region,
    hash: token.hash,
    networks: token.networks.length === 0 ? null : JSON.stringify(token.networks),
    created_at: token.nowMs,
    revoked_at: null,
  }).execute();
}

/** A page of the tokens that are not revoked, newest first. */
export async function listRegionTokens(db: Queryable, { before, limit }: Page): Promise<RegionTokensTable[]> {
  let query = db.selectFrom("region_tokens").selectAll().where("revoked_at", "is", null);
  if (before !== undefined) {
    query = query.where("created_at", "<=", before.createdAt).where((eb) =>
      eb.or([eb("created_at", "<", before.createdAt), eb("id", "<", before.id)])
    );
  }
  return await query.orderBy("created_at", "desc").orderBy("id", "desc").limit(limit).execute();
}

/** Revokes a token and returns its region; `undefined` when no valid token has this id. */
export async function revokeRegionToken(
  tx: Tx,
  { id, nowMs }: { readonly id: string; readonly nowMs: number },
): Promise<string | undefined> {
  const { numUpdatedRows } = await tx.updateTable("region_tokens").set({ revoked_at: nowMs })
    .where("id", "=", id).where("revoked_at", "is", null).executeTakeFirst();
  if (numUpdatedRows === 0n) return undefined;
  return (await tx.selectFrom("region_tokens").select("region").where("id", "=", id).executeTakeFirst())
    ?.region;
}

/** The valid tokens with these hashes. Unique index on `hash`. */
export async function listRegionTokensByHash(
  db: Queryable,
  hashes: readonly string[],
): Promise<RegionTokensTable[]> {
  if (hashes.length === 0) return [];
  return await db.selectFrom("region_tokens").selectAll()
    .where("hash", "in", [...hashes]).where("revoked_at", "is", null).execute();
}

/** The valid keys with these hashes. Unique index on `hash`. */
export async function listRootKeysByHash(db: Queryable, hashes: readonly string[]): Promise<RootKeysTable[]> {
  if (hashes.length === 0) return [];
  return await db.selectFrom("root_keys").selectAll()
    .where("hash", "in", [...hashes]).where("revoked_at", "is", null).execute();
}
