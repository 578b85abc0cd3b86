import { transact } from "../../../../pkg/db/mod.ts";
import { type Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { parseRegistryHost } from "../../../../pkg/registry/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal, ServicePrincipal } from "../../internal/auth/principal.ts";
import { sealRegistrySecret } from "../../internal/registries/mod.ts";
import {
  listRegistryCredentials,
  lockRegistryCredentials,
  recordAudit,
  type RegistryCredentialsTable,
  removeRegistryCredentials,
  setRegistryCredentials,
} from "../../internal/store/mod.ts";
import { byteLength, invalid, text } from "../../internal/validate/mod.ts";
import type { AdminDeps } from "./deps.ts";
import { workspaceFor } from "./workspaces.ts";

const REGISTRIES_MAX = 50;
const USERNAME_CHARACTERS_MAX = 255;
const SECRET_BYTES_MAX = 16 * 1024;

/** The properties of a registry without its secret. */
export type KnownRegistry = Pick<
  RegistryCredentialsTable,
  "host" | "username" | "created_at" | "updated_at"
>;

export interface RegistryRequest {
  readonly workspaceId: string;
  readonly host: string;
  readonly username: string;
  readonly secret: string;
}

export interface AddedRegistry {
  readonly registry: KnownRegistry;
  readonly replaced: boolean;
}

/**
 * Stores the encrypted credentials with which builds of the workspace log in to a registry; replaces those of the same host.
 *
 * @throws `invalid_argument`, or `failed_precondition` when the workspace has 50 registries
 */
export async function addRegistry(
  deps: AdminDeps,
  caller: RootKeyPrincipal | ServicePrincipal,
  request: RegistryRequest,
): Promise<AddedRegistry> {
  const { db, clock, vault } = deps;
  const host = checkedHost(request.host);
  const username = checkedUsername(request.username);
  const secret = checkedSecret(request.secret);
  const workspaceId = await workspaceFor(deps, caller, request.workspaceId);
  const ciphertext = await sealRegistrySecret(vault, { workspaceId, host }, secret);
  const nowMs = clock.now();
  return await transact(db, async (tx) => {
    // The limit holds for concurrent calls together, so they take turns.
    const known = await lockRegistryCredentials(tx, workspaceId);
    const before = known.find((each) => each.host === host);
    const replaced = before !== undefined;
    if (!replaced && known.length >= REGISTRIES_MAX) throw tooMany();
    await setRegistryCredentials(tx, { workspaceId, host, username, ciphertext, nowMs });
    await recordAudit(tx, {
      workspaceId,
      actor: actorOf(caller),
      action: "registry.add",
      resource: { type: "registry", id: host },
      facts: { username, replaced },
      nowMs,
    });
    const registry = { host, username, created_at: before?.created_at ?? nowMs, updated_at: nowMs };
    return { registry, replaced };
  });
}

/** The workspace's registries by host. */
export async function listRegistries(
  deps: AdminDeps,
  caller: RootKeyPrincipal | ServicePrincipal,
  workspaceId: string,
): Promise<readonly KnownRegistry[]> {
  return await listRegistryCredentials(deps.db.kysely, await workspaceFor(deps, caller, workspaceId));
}

/** Removes the credentials for a host, and answers with the host as it was stored. */
export async function removeRegistry(
  deps: AdminDeps,
  caller: RootKeyPrincipal | ServicePrincipal,
  request: { readonly workspaceId: string; readonly host: string },
): Promise<{ readonly host: string; readonly removed: boolean }> {
  const host = checkedHost(request.host);
  const workspaceId = await workspaceFor(deps, caller, request.workspaceId);
  const nowMs = deps.clock.now();
  const removed = await transact(deps.db, async (tx) => {
    if (!await removeRegistryCredentials(tx, workspaceId, host)) return false;
    await recordAudit(tx, {
      workspaceId,
      actor: actorOf(caller),
      action: "registry.remove",
      resource: { type: "registry", id: host },
      nowMs,
    });
    return true;
  });
  return { host, removed };
}

function checkedHost(given: string): string {
  if (given === "") throw invalid("host", "is required");
  const parsed = parseRegistryHost(given);
  if (parsed.kind === "problem") throw invalid("host", parsed.problem);
  return parsed.host;
}

function checkedUsername(given: string): string {
  const username = text("username", given, USERNAME_CHARACTERS_MAX);
  // Basic authentication ends the user name at the first colon.
  if (username.includes(":")) throw invalid("username", "must not contain a colon");
  return username;
}

function checkedSecret(given: string): string {
  if (given === "") throw invalid("secret", "is required");
  if (byteLength(given) > SECRET_BYTES_MAX) throw invalid("secret", "must have at most 16 KiB");
  if (given.includes("\0")) throw invalid("secret", "must not contain NUL");
  return given;
}

function tooMany(): Fault {
  return publicFault(
    "failed_precondition",
    `The workspace has credentials for ${REGISTRIES_MAX} registries, which is the most: ` +
      'remove one that is not needed any more with "unkey registries remove".',
  );
}
