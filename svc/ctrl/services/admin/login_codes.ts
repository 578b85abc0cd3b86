import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { newLoginCode, normalizedLoginCode } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import { credentialHash } from "../../internal/auth/hash.ts";
import type { RootKeyPrincipal, ServicePrincipal } from "../../internal/auth/principal.ts";
import { decodeStrings } from "../../internal/json.ts";
import {
  createLoginCode as recordLoginCode,
  deleteLoginCode,
  findLoginCode,
  findWorkspace,
  recordAudit,
} from "../../internal/store/mod.ts";
import { invalid, optionalText, text } from "../../internal/validate/mod.ts";
import type { AdminDeps } from "./deps.ts";
import type { GuessLimit } from "./guess_limit.ts";
import { insertRootKey, type NewRootKey, permissionsToGrant } from "./keys.ts";
import { workspaceFor } from "./workspaces.ts";

const VALID_SECONDS = 600;
const VALID_SECONDS_MAX = 3_600;
/** More than a code with its hyphen, so that a typing error is a wrong code and not a bad request. */
const CODE_CHARACTERS_MAX = 64;

/** A new code; only its hash is stored. */
export interface NewLoginCode {
  readonly code: string;
  readonly expiresAt: number;
  readonly workspaceSlug: string;
}

/** @throws `permission_denied` when the caller would pass on a permission that it does not have */
export async function createLoginCode(
  deps: AdminDeps,
  caller: RootKeyPrincipal | ServicePrincipal,
  request: {
    readonly workspaceId: string;
    readonly permissions: readonly string[];
    readonly validSeconds: bigint;
  },
): Promise<NewLoginCode> {
  const { db, clock } = deps;
  const permissions = permissionsToGrant(caller, request.permissions);
  const seconds = request.validSeconds === 0n ? VALID_SECONDS : Number(request.validSeconds);
  if (!(seconds >= 1 && seconds <= VALID_SECONDS_MAX)) {
    throw invalid("valid_seconds", `must be between 1 and ${VALID_SECONDS_MAX}`, String(seconds));
  }
  const workspaceId = await workspaceFor(deps, caller, request.workspaceId);
  const workspaceSlug = (await findWorkspace(db.kysely, workspaceId))?.slug ?? "";
  const code = newLoginCode();
  const nowMs = clock.now();
  const expiresAt = nowMs + seconds * 1_000;
  await transact(db, async (tx) => {
    await recordLoginCode(tx, {
      hash: hashOf(code),
      workspace_id: workspaceId,
      permissions: JSON.stringify(permissions),
      expires_at: expiresAt,
      created_at: nowMs,
      key_id: null,
    });
    await recordAudit(tx, {
      workspaceId,
      actor: actorOf(caller),
      action: "login_code.create",
      resource: { type: "login_code", id: "" },
      facts: { permissions, valid_seconds: seconds },
      nowMs,
    });
  });
  return { code, expiresAt, workspaceSlug };
}

/**
 * Exchanges a code for a new root key. A code works once.
 *
 * @throws `unauthenticated` for a code that is wrong, was used or has expired; `rate_limited` after many of them
 */
export async function exchangeLoginCode(
  { db, clock }: AdminDeps,
  guesses: GuessLimit,
  request: { readonly code: string; readonly keyName: string },
): Promise<NewRootKey> {
  const name = optionalText("key_name", request.keyName, 256);
  const hash = hashOf(text("code", request.code, CODE_CHARACTERS_MAX));
  guesses.check();
  const nowMs = clock.now();
  const found = await findLoginCode(db.kysely, hash);
  if (found === undefined || found.expires_at <= nowMs) throw wrongCode(guesses);
  const key = await transact(db, async (tx) => {
    if (!await deleteLoginCode(tx, hash)) return undefined;
    return await insertRootKey(tx, {
      workspaceId: found.workspace_id,
      name,
      permissions: decodeStrings(found.permissions),
      actor: { kind: "system", name: "login code" },
      nowMs,
    });
  });
  if (key === undefined) throw wrongCode(guesses);
  return key;
}

function hashOf(code: string): string {
  return credentialHash(`login:${normalizedLoginCode(code)}`);
}

function wrongCode(guesses: GuessLimit) {
  guesses.wrong();
  return publicFault(
    "unauthenticated",
    "This code is wrong, was used before, or has expired. Make a new one on the server with " +
      '"unkey admin login-codes create".',
  );
}
