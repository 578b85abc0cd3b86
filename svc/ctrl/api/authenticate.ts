import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../../../pkg/clock/mod.ts";
import type { Secret } from "../../../pkg/config/mod.ts";
import { Fault } from "../../../pkg/fault/mod.ts";
import { parseId } from "../../../pkg/uid/mod.ts";
import { credentialHash } from "../internal/auth/hash.ts";
import type { Principal } from "../internal/auth/principal.ts";
import { decodeStrings } from "../internal/json.ts";
import { SENTINEL_TOKEN_PREFIX } from "../internal/sentinels/mod.ts";
import {
  EDGE_REGION,
  findRegionTokenRow,
  findRootKey,
  findSentinelByToken,
  type Queryable,
} from "../internal/store/mod.ts";

/** What authentication needs. */
export interface AuthenticatorOptions {
  readonly db: Queryable;
  readonly clock: Clock;
  readonly serviceToken: Secret;
}

/**
 * Finds out who presents an `Authorization` header.
 *
 * @throws `unauthenticated` for a missing, malformed, unknown or revoked credential, all with one text
 */
export type Authenticator = (authorization: string | null) => Promise<Principal>;

/** How long a revoked credential may still work in this process, in milliseconds. */
const CACHE_MS = 3_000;
const CACHE_MAX = 10_000;
const TOKEN_LENGTH_MAX = 512;
const encoder = new TextEncoder();

interface Entry {
  readonly expiresAtMs: number;
  readonly principal: Promise<Principal | undefined>;
}

/** An authenticator that remembers credentials for a few seconds. */
export function createAuthenticator({ db, clock, serviceToken }: AuthenticatorOptions): Authenticator {
  const cache = new Map<string, Entry>();
  const service = credentialHash(serviceToken.reveal());

  const lookUp = async (token: string): Promise<Principal | undefined> => {
    const digest = credentialHash(token);
    // Hashes have one length, and comparing them tells nothing about the token.
    if (timingSafeEqual(encoder.encode(digest), encoder.encode(service))) return { kind: "service" };
    if (token.startsWith("unkey_")) {
      const row = await findRootKey(db, digest);
      return row === undefined ? undefined : {
        kind: "root_key",
        workspaceId: parseId("workspace", "workspace_id", row.workspace_id),
        keyId: row.id,
        keyName: row.name,
        permissions: new Set(decodeStrings(row.permissions)),
      };
    }
    if (token.startsWith(`${SENTINEL_TOKEN_PREFIX}_`)) {
      const row = await findSentinelByToken(db, digest);
      return row === undefined ? undefined : {
        kind: "sentinel",
        sentinelId: row.id,
        environmentId: row.environment_id,
        region: row.region,
      };
    }
    if (!token.startsWith("region_")) return undefined;
    const row = await findRegionTokenRow(db, digest);
    if (row === undefined) return undefined;
    return row.region === EDGE_REGION ? { kind: "edge" } : { kind: "region", region: row.region };
  };

  const cached = (token: string): Promise<Principal | undefined> => {
    const now = clock.now();
    const known = cache.get(token);
    if (known !== undefined && known.expiresAtMs > now) return known.principal;
    const principal = lookUp(token);
    const entry = { expiresAtMs: now + CACHE_MS, principal };
    // Only what exists is remembered, so that guesses cannot push out what is in use.
    const forget = (): void => void (cache.get(token) === entry && cache.delete(token));
    principal.then((found) => found === undefined && forget(), forget);
    cache.delete(token);
    const oldest = cache.size >= CACHE_MAX ? cache.keys().next().value : undefined;
    if (oldest !== undefined) cache.delete(oldest);
    cache.set(token, entry);
    return principal;
  };

  return async (authorization) => {
    const token = bearer(authorization);
    if (token === undefined) throw unauthenticated("no bearer token");
    const principal = await cached(token);
    if (principal === undefined) throw unauthenticated("unknown token");
    return principal;
  };
}

/** The token of a header, or `undefined` when the header has another form. */
export function bearer(authorization: string | null): string | undefined {
  const token = authorization === null ? undefined : /^Bearer ([\x21-\x7e]+)$/i.exec(authorization)?.[1];
  return token === undefined || token.length > TOKEN_LENGTH_MAX ? undefined : token;
}

function unauthenticated(detail: string): Fault {
  return new Fault("unauthenticated", detail, {
    publicMessage:
      'The credentials are missing, wrong or revoked. Send "Authorization: Bearer <root key>"; ' +
      '"unkey login" stores a key for the command line.',
  });
}
