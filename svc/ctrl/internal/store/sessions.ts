/** Sessions of browsers. Only the hashes of their cookies are stored. */
import type { Queryable, Tx } from "./database.ts";
import type { RootKeysTable } from "./schema.ts";
import type { SessionsTable } from "./schema_credentials.ts";

/** A session with the root key that it acts with. */
export interface KeyedSession extends SessionsTable {
  readonly key_name: string;
  /** JSON array of strings. */
  readonly permissions: string;
}

/** The times between which a session works. */
export interface SessionTimes {
  readonly nowMs: number;
  /** A session that was seen before this has ended. */
  readonly seenSinceMs: number;
}

/** Stores a session, and forgets those that have expired. */
export async function createSession(tx: Tx, session: SessionsTable): Promise<void> {
  await tx.deleteFrom("sessions").where("expires_at", "<", session.created_at).execute();
  await tx.insertInto("sessions").values(session).execute();
}

function working(db: Queryable, { nowMs, seenSinceMs }: SessionTimes) {
  return db.selectFrom("sessions").innerJoin("root_keys", "root_keys.id", "sessions.key_id")
    .selectAll("sessions").select(["root_keys.name as key_name", "root_keys.permissions as permissions"])
    .where("root_keys.revoked_at", "is", null)
    .where("sessions.expires_at", ">", nowMs).where("sessions.last_seen_at", ">=", seenSinceMs);
}

/** The sessions with these hashes that work. Unique index on `hash`. */
export async function listSessionsByHash(
  db: Queryable,
  hashes: readonly string[],
  times: SessionTimes,
): Promise<KeyedSession[]> {
  if (hashes.length === 0) return [];
  return await working(db, times).where("sessions.hash", "in", [...hashes]).execute();
}

/** The sessions of a workspace that work, newest first; of one key where it is given. Index on the workspace. */
export async function listSessions(
  db: Queryable,
  { workspaceId, keyId, limit, ...times }: SessionTimes & {
    readonly workspaceId: string;
    readonly keyId: string | undefined;
    readonly limit: number;
  },
): Promise<KeyedSession[]> {
  let query = working(db, times).where("sessions.workspace_id", "=", workspaceId);
  if (keyId !== undefined) query = query.where("sessions.key_id", "=", keyId);
  return await query.orderBy("sessions.created_at", "desc").orderBy("sessions.id", "desc").limit(limit)
    .execute();
}

/** Notes that these sessions are used. */
export async function touchSessions(db: Queryable, hashes: readonly string[], nowMs: number): Promise<void> {
  if (hashes.length === 0) return;
  await db.updateTable("sessions").set({ last_seen_at: nowMs }).where("hash", "in", [...hashes])
    .where("last_seen_at", "<", nowMs).execute();
}

/** Ends a session. False: the workspace, or the key where it is given, has none with this id. */
export async function deleteSession(
  tx: Tx,
  { workspaceId, id, keyId }: {
    readonly workspaceId: string;
    readonly id: string;
    readonly keyId: string | undefined;
  },
): Promise<boolean> {
  let query = tx.deleteFrom("sessions").where("id", "=", id).where("workspace_id", "=", workspaceId);
  if (keyId !== undefined) query = query.where("key_id", "=", keyId);
  return (await query.executeTakeFirst()).numDeletedRows > 0n;
}

/** Ends the session with this hash, and returns it; `undefined` when there is none. */
export async function takeSession(tx: Tx, hash: string): Promise<SessionsTable | undefined> {
  const found = await tx.selectFrom("sessions").selectAll().where("hash", "=", hash).executeTakeFirst();
  if (found !== undefined) await tx.deleteFrom("sessions").where("id", "=", found.id).execute();
  return found;
}

/** A root key that works. */
export async function findRootKey(db: Queryable, id: string): Promise<RootKeysTable | undefined> {
  return await db.selectFrom("root_keys").selectAll().where("id", "=", id).where("revoked_at", "is", null)
    .executeTakeFirst();
}
