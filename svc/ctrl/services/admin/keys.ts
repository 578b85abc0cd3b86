import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { newId, newSecretToken, parseId } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import { credentialHash } from "../../internal/auth/hash.ts";
import { decodeStrings } from "../../internal/json.ts";
import { includesPermission, isPermission, permissionDenied } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal, ServicePrincipal } from "../../internal/auth/principal.ts";
import {
  type AuditActor,
  createRootKey as recordRootKey,
  listRootKeys as readRootKeys,
  lockWorkspace,
  recordAudit,
  revokeRootKey as markRevoked,
  type RootKeysTable,
  type Tx,
} from "../../internal/store/mod.ts";
import { invalid, optionalText } from "../../internal/validate/mod.ts";
import type { AdminDeps } from "./deps.ts";
import { workspaceFor } from "./workspaces.ts";

const PERMISSIONS_MAX = 100;
const START_CHARACTERS = 10;

/** A new root key; only its hash is stored. */
export interface NewRootKey {
  readonly id: string;
  readonly key: string;
}

/** @throws `permission_denied` when the caller would pass on a permission that it does not have */
export async function createRootKey(
  deps: AdminDeps,
  caller: RootKeyPrincipal | ServicePrincipal,
  request: { readonly workspaceId: string; readonly name: string; readonly permissions: readonly string[] },
): Promise<NewRootKey> {
  const { db, clock } = deps;
  const permissions = permissionsToGrant(caller, request.permissions);
  const workspaceId = await workspaceFor(deps, caller, request.workspaceId);
  const name = optionalText("name", request.name, 256);
  const nowMs = clock.now();
  const actor = actorOf(caller);
  return await transact(db, (tx) => insertRootKey(tx, { workspaceId, name, permissions, actor, nowMs }));
}

/** Stores a new root key of a workspace, and who made it. */
export async function insertRootKey(
  tx: Tx,
  { workspaceId, name, permissions, actor, nowMs }: {
    readonly workspaceId: string;
    readonly name: string;
    readonly permissions: readonly string[];
    readonly actor: AuditActor;
    readonly nowMs: number;
  },
): Promise<NewRootKey> {
  const key = newSecretToken("unkey");
  const id = newId("rootKey", nowMs);
  const hash = credentialHash(key);
  await recordRootKey(tx, {
    id,
    workspaceId,
    name,
    hash,
    start: key.slice(0, START_CHARACTERS),
    permissions,
    nowMs,
  });
  await recordAudit(tx, {
    workspaceId,
    actor,
    action: "root_key.create",
    resource: { type: "root_key", id },
    facts: { name, permissions },
    nowMs,
  });
  return { id, key };
}

/** The permissions, each once. @throws `permission_denied` for one that the caller does not have itself */
export function permissionsToGrant(
  caller: RootKeyPrincipal | ServicePrincipal,
  given: readonly string[],
): readonly string[] {
  const permissions = checkPermissions(given);
  const refused = caller.kind === "service"
    ? undefined
    : permissions.find((each) => !includesPermission(caller.permissions, each));
  if (refused !== undefined) throw permissionDenied(refused);
  return permissions;
}

function checkPermissions(given: readonly string[]): readonly string[] {
  const permissions = [...new Set(given)];
  if (permissions.length === 0) throw invalid("permissions", "must name at least one permission");
  if (permissions.length > PERMISSIONS_MAX) {
    throw invalid("permissions", `must be at most ${PERMISSIONS_MAX}`);
  }
  const bad = permissions.find((each) => !isPermission(each));
  if (bad === undefined) return permissions;
  throw invalid(
    "permissions",
    'must look like "project.*.create_deployment", "workspace.manage_keys" or "*"',
    bad,
  );
}

/** The workspace's keys that are not revoked, oldest first. */
export async function listRootKeys(
  deps: AdminDeps,
  caller: RootKeyPrincipal | ServicePrincipal,
  workspaceId: string,
): Promise<RootKeysTable[]> {
  return await readRootKeys(deps.db.kysely, await workspaceFor(deps, caller, workspaceId));
}

/**
 * Revokes a key; api processes notice within seconds.
 *
 * @throws `not_found` also for another workspace's; `permission_denied` when the key may do what the caller may not;
 * `failed_precondition` when nothing but the operator could make keys any more
 */
export async function revokeRootKey(
  deps: AdminDeps,
  caller: RootKeyPrincipal | ServicePrincipal,
  request: { readonly workspaceId: string; readonly keyId: string },
): Promise<void> {
  const id = parseId("rootKey", "key_id", request.keyId);
  const workspaceId = await workspaceFor(deps, caller, request.workspaceId);
  const nowMs = deps.clock.now();
  const revoked = await transact(deps.db, async (tx) => {
    if (caller.kind === "root_key") {
      // Otherwise two keys that revoke each other would both be the one before the last.
      await lockWorkspace(tx, workspaceId);
      refuseRevocation(caller, id, await readRootKeys(tx, workspaceId));
    }
    const done = await markRevoked(tx, { workspaceId, id, nowMs });
    if (!done) return false;
    await recordAudit(tx, {
      workspaceId,
      actor: actorOf(caller),
      action: "root_key.revoke",
      resource: { type: "root_key", id },
      nowMs,
    });
    return true;
  });
  if (!revoked) throw publicFault("not_found", `Root key "${id}" was not found, or was revoked before.`);
}

/** @throws `permission_denied`, `failed_precondition` */
function refuseRevocation(caller: RootKeyPrincipal, id: string, keys: readonly RootKeysTable[]): void {
  const key = keys.find((each) => each.id === id);
  if (key === undefined) return;
  const lacking = decodeStrings(key.permissions).find((each) =>
    !includesPermission(caller.permissions, each)
  );
  if (lacking !== undefined) throw permissionDenied(lacking);
  if (!managesKeys(key) || keys.some((each) => each.id !== id && managesKeys(each))) return;
  throw publicFault(
    "failed_precondition",
    `Root key "${id}" is the last key of the workspace that may manage keys. Create another one first: ` +
      '"unkey keys create <name> --permissions all".',
  );
}

function managesKeys({ permissions }: RootKeysTable): boolean {
  return includesPermission(new Set(decodeStrings(permissions)), "workspace.manage_keys");
}
