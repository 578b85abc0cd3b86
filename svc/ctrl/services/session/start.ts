import { transact } from "../../../../pkg/db/mod.ts";
import { type Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { newId, newSecretToken } from "../../../../pkg/uid/mod.ts";
import { credentialHash } from "../../internal/auth/hash.ts";
import { SESSION_MS_MAX } from "../../internal/auth/session_times.ts";
import { sessionTokenOf } from "../../internal/auth/site.ts";
import {
  createSession,
  deleteLoginCode,
  findLoginCode,
  findRootKey,
  recordAudit,
  takeSession,
} from "../../internal/store/mod.ts";
import { text } from "../../internal/validate/mod.ts";
import { browserName } from "./browser_name.ts";
import type { SessionDeps } from "./deps.ts";
import { linkHash } from "./login_link.ts";

const CODE_CHARACTERS_MAX = 100;
const TOKEN_BYTES = 32;

export interface NewSession {
  readonly id: string;
  /** For the cookie; only its hash is stored. */
  readonly token: string;
  readonly expiresAt: number;
}

/**
 * Exchanges the code of a login link for a session with a new id. The session that the browser had before ends. A code
 * works once.
 *
 * @throws `permission_denied` for a call that no page of the dashboard made; `unauthenticated` for a code that is wrong, was
 * used or has expired; `rate_limited` after many of them
 */
export async function startSession(
  { db, clock, site, guesses }: SessionDeps,
  headers: Headers,
  request: { readonly code: string },
): Promise<NewSession> {
  site.requireOwnPage(headers);
  const hash = linkHash(text("code", request.code, CODE_CHARACTERS_MAX));
  guesses.take(headers);
  const nowMs = clock.now();
  const found = await findLoginCode(db.kysely, hash);
  if (found === undefined || found.key_id === null || found.expires_at <= nowMs) throw wrongCode();
  const { workspace_id: workspaceId, key_id: keyId } = found;
  const key = await findRootKey(db.kysely, keyId);
  if (key === undefined) throw wrongCode();
  const session = {
    id: newId("session", nowMs),
    token: newSecretToken("session", TOKEN_BYTES),
    expiresAt: nowMs + SESSION_MS_MAX,
  };
  const browser = browserName(headers.get("user-agent") ?? "");
  const before = sessionTokenOf(headers);
  const isFirst = await transact(db, async (tx) => {
    if (!await deleteLoginCode(tx, hash)) return false;
    const actor = { kind: "root_key", id: keyId, name: key.name } as const;
    const ended = before === undefined ? undefined : await takeSession(tx, credentialHash(before));
    await createSession(tx, {
      id: session.id,
      hash: credentialHash(session.token),
      workspace_id: workspaceId,
      key_id: keyId,
      browser,
      created_at: nowMs,
      last_seen_at: nowMs,
      expires_at: session.expiresAt,
    });
    await recordAudit(tx, {
      workspaceId,
      actor,
      action: "session.start",
      resource: { type: "session", id: session.id },
      facts: { browser, ...(ended === undefined ? {} : { instead_of: ended.id }) },
      nowMs,
    });
    return true;
  });
  if (!isFirst) throw wrongCode();
  guesses.give(headers);
  return session;
}

function wrongCode(): Fault {
  return publicFault(
    "unauthenticated",
    'This link was used before, or is older than five minutes. Run "unkey dashboard" for a new one.',
  );
}
