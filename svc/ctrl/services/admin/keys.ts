import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { newId, newSecretToken, parseId } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import { credentialHash } from "../../internal/auth/hash.ts";
import { includesPermission, isPermission, permissionDenied } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal, ServicePrincipal } from "../../internal/auth/principal.ts";
import {
  createRegionToken as recordRegionToken,
  createRootKey as recordRootKey,
  EDGE_REGION,
  listRootKeys as readRootKeys,
  recordAudit,
  revokeRootKey as markRevoked,
  type RootKeysTable,
} from "../../internal/store/mod.ts";
import { invalid, optionalText } from "../../internal/validate/mod.ts";
import type { AdminDeps } from "./deps.ts";
import { workspaceFor } from "./projects.ts";

const PERMISSIONS_MAX = 100;
const START_CHARACTERS = 10;

/** A root key at the only moment at which it is known. */
export interface NewRootKey {
  readonly id: string;
  readonly key: string;
}

/**
 * Makes a root key.
 *
 * @throws `permission_denied` when the caller would pass on what it does not have itself
 */
export async function createRootKey(
  deps: AdminDeps,
  caller: RootKeyPrincipal | ServicePrincipal,
  request: { readonly workspaceId: string; readonly name: string; readonly permissions: readonly string[] },
): Promise<NewRootKey> {
  const { db, clock } = deps;
  const permissions = checkPermissions(request.permissions);
  const refused = caller.kind === "service"
    ? undefined
    : permissions.find((each) => !includesPermission(caller.permissions, each));
  if (refused !== undefined) throw permissionDenied(refused);
  const key = newSecretToken("unkey");
  const id = newId("rootKey", clock.now());
  const workspaceId = await workspaceFor(deps, caller, request.workspaceId);
  const name = optionalText("name", request.name, 256);
  const nowMs = clock.now();
  await transact(db, async (tx) => {
    await recordRootKey(tx, {
      id,
      workspaceId,
      name,
      hash: credentialHash(key),
      start: key.slice(0, START_CHARACTERS),
      permissions,
      nowMs,
    });
    await recordAudit(tx, {
      workspaceId,
      actor: actorOf(caller),
      action: "root_key.create",
      resource: { type: "root_key", id },
      facts: { name, permissions },
      nowMs,
    });
  });
  return { id, key };
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

/** The workspace's keys that work, oldest first. */
export async function listRootKeys({ db }: AdminDeps, caller: RootKeyPrincipal): Promise<RootKeysTable[]> {
  return await readRootKeys(db.kysely, caller.workspaceId);
}

/** Ends a key; api processes notice within seconds. @throws `not_found` also for another workspace's */
export async function revokeRootKey(
  { db, clock }: AdminDeps,
  caller: RootKeyPrincipal,
  keyId: string,
): Promise<void> {
  const id = parseId("rootKey", "key_id", keyId);
  const { workspaceId } = caller;
  const nowMs = clock.now();
  const revoked = await transact(db, async (tx) => {
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

/** Makes the credential of a region's agent, or of an edge for the region `*`. */
export async function createRegionToken({ db, clock }: AdminDeps, region: string): Promise<string> {
  if (region !== EDGE_REGION && !/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/.test(region)) {
    throw invalid("region", 'must look like "us-east-1.aws", or be "*" for an edge', region);
  }
  const token = newSecretToken("region");
  const nowMs = clock.now();
  const id = newId("regionToken", nowMs);
  await transact(db, async (tx) => {
    await recordRegionToken(tx, { id, region, hash: credentialHash(token), nowMs });
    await recordAudit(tx, {
      workspaceId: "",
      actor: { kind: "service" },
      action: "region_token.create",
      resource: { type: "region_token", id },
      facts: { region },
      nowMs,
    });
  });
  return token;
}
