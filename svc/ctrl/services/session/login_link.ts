import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { newSecretToken } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import { credentialHash } from "../../internal/auth/hash.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { createLoginCode, recordAudit } from "../../internal/store/mod.ts";
import type { SessionDeps } from "./deps.ts";

const VALID_MS = 5 * 60_000;
const CODE_BYTES = 32;

/** A URL that logs one browser in. */
export interface LoginLink {
  readonly url: string;
  readonly expiresAt: number;
}

/** @throws `permission_denied` for a session: it would never end, if it could start the next one */
export async function createLoginLink(
  { db, clock, site }: SessionDeps,
  caller: RootKeyPrincipal,
): Promise<LoginLink> {
  if (caller.sessionId !== undefined) {
    throw publicFault(
      "permission_denied",
      'A session makes no login links. Run "unkey dashboard" in a terminal.',
    );
  }
  const code = newSecretToken("login", CODE_BYTES);
  const nowMs = clock.now();
  const expiresAt = nowMs + VALID_MS;
  const { workspaceId, keyId } = caller;
  await transact(db, async (tx) => {
    await createLoginCode(tx, {
      hash: linkHash(code),
      workspace_id: workspaceId,
      permissions: "[]",
      expires_at: expiresAt,
      created_at: nowMs,
      key_id: keyId,
    });
    await recordAudit(tx, {
      workspaceId,
      actor: actorOf(caller),
      action: "login_code.create",
      resource: { type: "login_code", id: "" },
      facts: { key_id: keyId, valid_seconds: VALID_MS / 1_000 },
      nowMs,
    });
  });
  return { url: `${site.origin}/login#${code}`, expiresAt };
}

/** Another hash than that of a code for a root key, so that neither can be used as the other. */
export function linkHash(code: string): string {
  return credentialHash(`link:${code}`);
}
