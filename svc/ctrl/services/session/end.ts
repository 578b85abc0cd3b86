import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import { mayInWorkspace } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { type AuditAction, deleteSession, recordAudit } from "../../internal/store/mod.ts";
import type { SessionDeps } from "./deps.ts";

/** Ends the session that calls. @throws `failed_precondition` for a call without one */
export async function endSession(deps: SessionDeps, caller: RootKeyPrincipal): Promise<void> {
  if (caller.sessionId === undefined) {
    throw publicFault("failed_precondition", "This call is made with a root key, and ends no session.");
  }
  await remove(deps, caller, { id: caller.sessionId, keyId: caller.keyId, action: "session.end" });
}

/**
 * Ends a session; api processes notice within seconds.
 *
 * @throws `not_found` also for one of another workspace, and of another key for a key that does not manage keys
 */
export async function revokeSession(deps: SessionDeps, caller: RootKeyPrincipal, id: string): Promise<void> {
  const known = parseId("session", "session_id", id);
  const keyId = mayInWorkspace(caller, "manage_keys") ? undefined : caller.keyId;
  if (await remove(deps, caller, { id: known, keyId, action: "session.revoke" })) return;
  throw publicFault(
    "not_found",
    `Session "${id}" was not found, or has ended: "unkey sessions list" shows those that work.`,
  );
}

async function remove(
  { db, clock }: SessionDeps,
  caller: RootKeyPrincipal,
  { id, keyId, action }: {
    readonly id: string;
    readonly keyId: string | undefined;
    readonly action: AuditAction;
  },
): Promise<boolean> {
  const { workspaceId } = caller;
  return await transact(db, async (tx) => {
    if (!await deleteSession(tx, { workspaceId, id, keyId })) return false;
    await recordAudit(tx, {
      workspaceId,
      actor: actorOf(caller),
      action,
      resource: { type: "session", id },
      nowMs: clock.now(),
    });
    return true;
  });
}
