/** The audit log: actors, actions and resources. */
import { newId } from "../../../../pkg/uid/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { AuditLogTable } from "./schema.ts";
import type { AuditAction, AuditResourceType } from "./types.ts";

/** The actor. Plain JSON, so that a workflow can carry it from the call to the step that makes the change. */
export type AuditActor =
  | { readonly kind: "root_key"; readonly id: string; readonly name: string }
  | { readonly kind: "service" }
  /** The name says which part of the platform, e.g. `retention`. */
  | { readonly kind: "system"; readonly name: string };

/** Further ids, names and counts, never a value of a variable or a credential. */
export type AuditFacts = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** One act. */
export interface AuditEntry {
  /** Empty for what belongs to no workspace. */
  readonly workspaceId: string;
  readonly actor: AuditActor;
  readonly action: AuditAction;
  readonly resource: { readonly type: AuditResourceType; readonly id: string };
  readonly projectId?: string;
  readonly environmentId?: string;
  readonly facts?: AuditFacts;
  readonly nowMs: number;
}

/**
 * Records an act in the transaction that does it, so that neither is ever there without the other.
 *
 * Record changes, not requests: a request that changed nothing has no entry.
 */
export async function recordAudit(tx: Tx, entry: AuditEntry): Promise<void> {
  const { actor, resource, nowMs } = entry;
  await tx.insertInto("audit_log").values({
    id: newId("auditEntry", nowMs),
    workspace_id: entry.workspaceId,
    actor_kind: actor.kind,
    actor_id: actor.kind === "root_key" ? actor.id : "",
    actor_name: actor.kind === "service" ? "" : actor.name,
    action: entry.action,
    resource_type: resource.type,
    resource_id: resource.id,
    project_id: entry.projectId ?? "",
    environment_id: entry.environmentId ?? "",
    facts: JSON.stringify(entry.facts ?? {}),
    created_at: nowMs,
  }).execute();
}

export interface AuditFilter {
  readonly workspaceId: string;
  readonly projectId: string | undefined;
  readonly resourceId: string | undefined;
  readonly action: string | undefined;
  /** Only older entries than this. */
  readonly before: { readonly createdAt: number; readonly id: string } | undefined;
  readonly limit: number;
}

/** Entries of a workspace, newest first. Indices on (workspace | project | resource, created_at, id). */
export async function listAuditEntries(db: Queryable, filter: AuditFilter): Promise<AuditLogTable[]> {
  const { projectId, resourceId, action, before } = filter;
  let query = db.selectFrom("audit_log").selectAll().where("workspace_id", "=", filter.workspaceId);
  if (projectId !== undefined) query = query.where("project_id", "=", projectId);
  if (resourceId !== undefined) query = query.where("resource_id", "=", resourceId);
  if (action !== undefined) query = query.where("action", "=", action as AuditLogTable["action"]);
  if (before !== undefined) {
    query = query.where("created_at", "<=", before.createdAt).where((eb) =>
      eb.or([eb("created_at", "<", before.createdAt), eb("id", "<", before.id)])
    );
  }
  return await query.orderBy("created_at", "desc").orderBy("id", "desc").limit(filter.limit).execute();
}

/** A deletion of old entries, and the time at which the next one begins. */
export interface DeletedEntries {
  readonly deleted: number;
  /** `undefined`: there are no more. */
  readonly fromMs: number | undefined;
}

/**
 * Removes up to `limit` entries from before `beforeMs`, oldest first. Index on `created_at`. The next call begins where this
 * one ended: while a long read goes on, the database passes deleted entries one by one.
 */
export async function deleteAuditEntries(
  db: Queryable,
  { fromMs = 0, beforeMs, limit }: {
    readonly fromMs?: number | undefined;
    readonly beforeMs: number;
    readonly limit: number;
  },
): Promise<DeletedEntries> {
  const old = await db.selectFrom("audit_log").select(["id", "created_at"])
    .where("created_at", ">=", fromMs).where("created_at", "<", beforeMs)
    .orderBy("created_at").limit(limit).execute();
  if (old.length === 0) return { deleted: 0, fromMs: undefined };
  const { numDeletedRows } = await db.deleteFrom("audit_log")
    .where("id", "in", old.map(({ id }) => id)).executeTakeFirst();
  return {
    deleted: Number(numDeletedRows),
    fromMs: old.length < limit ? undefined : old.at(-1)?.created_at,
  };
}
