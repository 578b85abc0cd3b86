import { mayInWorkspace } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { sessionTimes } from "../../internal/auth/session_times.ts";
import { type KeyedSession, listSessions as readSessions } from "../../internal/store/mod.ts";
import type { SessionDeps } from "./deps.ts";

/** More than one page shows; older ones can still be revoked by their ids, or with their key. */
const SESSIONS_MAX = 500;

/** The sessions that work: those of the caller's key, or of the workspace when it manages keys. */
export async function listSessions(
  { db, clock }: SessionDeps,
  caller: RootKeyPrincipal,
): Promise<readonly KeyedSession[]> {
  return await readSessions(db.kysely, {
    workspaceId: caller.workspaceId,
    keyId: mayInWorkspace(caller, "manage_keys") ? undefined : caller.keyId,
    limit: SESSIONS_MAX,
    ...sessionTimes(clock.now()),
  });
}
