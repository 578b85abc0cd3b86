import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../../../pkg/clock/mod.ts";
import type { Secret } from "../../../pkg/config/mod.ts";
import { Fault, isFault } from "../../../pkg/fault/mod.ts";
import { parseId } from "../../../pkg/uid/mod.ts";
import { credentialHash } from "../internal/auth/hash.ts";
import type { Principal } from "../internal/auth/principal.ts";
import { SESSION_SEEN_MS, sessionTimes } from "../internal/auth/session_times.ts";
import {
  type DashboardSite,
  hasSessionCookie,
  SESSION_PREFIX,
  sessionTokenOf,
} from "../internal/auth/site.ts";
import { networksOf } from "../internal/agents/mod.ts";
import { decodeStrings } from "../internal/json.ts";
import { SENTINEL_TOKEN_PREFIX } from "../internal/sentinels/mod.ts";
import {
  EDGE_REGION,
  listRegionTokensByHash,
  listRootKeysByHash,
  listSentinelsByToken,
  listSessionsByHash,
  type Queryable,
  type RegionTokensTable,
  type RootKeysTable,
  type SentinelsTable,
  touchSessions,
} from "../internal/store/mod.ts";
import { clientOf, Guesses } from "./guesses.ts";

export interface CredentialsOptions {
  readonly db: Queryable;
  readonly clock: Clock;
  readonly serviceToken: Secret;
  /** True for addresses whose X-Forwarded-For is believed. */
  readonly isProxy: (address: string) => boolean;
  /** Where sessions of browsers are taken. */
  readonly site: DashboardSite;
}

/**
 * Resolves the `Authorization` header of a request, or the cookie of a session, to its principal.
 *
 * @throws `unauthenticated` for a missing, malformed, unknown or revoked credential, all with one text; `rate_limited` for
 * a client that has sent many of them, unless it has used this one before; `permission_denied` for a cookie that another page
 * than one of the dashboard sent along
 */
export type Authenticator = (headers: Headers) => Promise<Principal>;

export interface Credentials {
  readonly authenticate: Authenticator;
  /**
   * The current principals of these tokens, with few queries for any number of them; `undefined` for a token that is
   * unknown or revoked by now.
   *
   * @throws the error of the database, and then nothing is known of any of them
   */
  readonly lookAgain: (tokens: Iterable<string>) => Promise<ReadonlyMap<string, Principal | undefined>>;
}

/** A revoked credential works in this process for at most this time. */
const CACHE_MS = 3_000;
/** A credential used within this time is checked again together with the others. */
const IN_USE_MS = 15_000;
const CACHE_MAX = 10_000;
const HASHES_PER_QUERY = 2_000;
const TOKEN_LENGTH_MAX = 512;
/** Clients that are remembered of a credential; the others take their turn with guesses. */
const CLIENTS_PER_TOKEN_MAX = 64;
const encoder = new TextEncoder();

/** The prefixes of tokens, one per table. */
const KINDS = ["unkey_", "region_", `${SENTINEL_TOKEN_PREFIX}_`, SESSION_PREFIX] as const;
type Kind = typeof KINDS[number];

interface Use {
  readonly digest: string;
  readonly usedAtMs: number;
}

interface Entry extends Use {
  usedAtMs: number;
  /** The time of the last query. */
  readonly askedAtMs: number;
  readonly principal: Promise<Principal | undefined>;
  readonly clients: Clients;
}

/** Those that have used a credential, the last one at the end: what others do at their address does not shut them out. */
type Clients = Set<string>;

/**
 * Caches credentials for a few seconds. When one has to be checked again, so are the others in use, with one query: the
 * number of queries does not grow with the number of agents that call now and then.
 */
export function createCredentials(
  { db, clock, isProxy, serviceToken, site }: CredentialsOptions,
): Credentials {
  const cache = new Map<string, Entry>();
  const service = credentialHash(serviceToken.reveal());
  const serviceClients: Clients = new Set();
  const guesses = new Guesses(clock);

  const remember = (token: string, entry: Entry): void => {
    // Unknown tokens are not cached, so that guesses cannot evict credentials in use.
    const forget = (): void => void (cache.get(token) === entry && cache.delete(token));
    entry.principal.then((found) => found === undefined && forget(), forget);
    cache.delete(token);
    const oldest = cache.size >= CACHE_MAX ? cache.keys().next().value : undefined;
    if (oldest !== undefined) cache.delete(oldest);
    cache.set(token, entry);
  };

  /** One query for all of these tokens, which are of one kind. */
  const find = (kind: Kind, uses: ReadonlyMap<string, Use>): ReadonlyMap<string, Entry["principal"]> => {
    const askedAtMs = clock.now();
    const found = findPrincipals(db, kind, [...uses.values()].map(({ digest }) => digest), askedAtMs);
    const principals = new Map<string, Entry["principal"]>();
    for (const [token, { digest, usedAtMs }] of uses) {
      const principal = found.then((all) => all.get(digest));
      const clients: Clients = cache.get(token)?.clients ?? new Set();
      remember(token, { digest, usedAtMs, askedAtMs, principal, clients });
      principals.set(token, principal);
    }
    return principals;
  };

  // Hashes have one length, and the time of comparing them depends on no part of the token.
  const isService = (digest: string): boolean =>
    timingSafeEqual(encoder.encode(digest), encoder.encode(service));

  const ask = async (token: string, kind: Kind | undefined): Promise<Principal | undefined> => {
    const nowMs = clock.now();
    const own = { digest: credentialHash(token), usedAtMs: nowMs };
    if (isService(own.digest)) return { kind: "service" };
    if (kind === undefined) return undefined;
    const due = [...cache].filter(([known, entry]) =>
      known !== token && known.startsWith(kind) && nowMs - entry.usedAtMs <= IN_USE_MS &&
      nowMs - entry.askedAtMs >= CACHE_MS / 2
    );
    return await find(kind, new Map<string, Use>([[token, own], ...due])).get(token);
  };

  const cached = (token: string): Promise<Principal | undefined> => {
    const nowMs = clock.now();
    const known = cache.get(token);
    if (known !== undefined && nowMs - known.askedAtMs < CACHE_MS) {
      known.usedAtMs = nowMs;
      return known.principal;
    }
    return ask(token, kindOf(token));
  };

  const isKnownOf = (client: string, token: string): boolean =>
    cache.get(token)?.clients.has(client) === true ||
    serviceClients.has(client) && isService(credentialHash(token));

  const authenticate: Authenticator = async (headers) => {
    const token = tokenOf(headers, site);
    const client = clientOf(headers, isProxy);
    if (isKnownOf(client, token)) return found(await cached(token));
    // Before the answer is known: else a thousand guesses at once would be one.
    guesses.take(client);
    let principal: Principal;
    try {
      principal = found(await cached(token));
    } catch (error) {
      if (!isFault(error, "unauthenticated")) guesses.give(client);
      throw error;
    }
    guesses.give(client);
    const clients = principal.kind === "service" ? serviceClients : cache.get(token)?.clients;
    if (clients !== undefined) addClient(clients, client);
    return principal;
  };

  const lookAgain: Credentials["lookAgain"] = async (tokens) => {
    const usedAtMs = clock.now();
    const principals = new Map<string, Promise<Principal | undefined>>();
    const due = new Map(KINDS.map((kind) => [kind, new Map<string, Use>()]));
    for (const token of tokens) {
      const known = cache.get(token);
      const kind = kindOf(token);
      if (known !== undefined && usedAtMs - known.askedAtMs < CACHE_MS / 2) {
        known.usedAtMs = usedAtMs;
        principals.set(token, known.principal);
      } else if (kind !== undefined) {
        due.get(kind)?.set(token, { digest: known?.digest ?? credentialHash(token), usedAtMs });
      }
    }
    for (const [kind, uses] of due) {
      for (const [token, principal] of find(kind, uses)) principals.set(token, principal);
    }
    return new Map(
      await Promise.all([...principals].map(async ([token, principal]) => [token, await principal] as const)),
    );
  };

  return { authenticate, lookAgain };
}

function found(principal: Principal | undefined): Principal {
  if (principal === undefined) throw unauthenticated("unknown token");
  return principal;
}

function addClient(clients: Clients, client: string): void {
  const oldest = clients.size >= CLIENTS_PER_TOKEN_MAX ? clients.values().next().value : undefined;
  if (oldest !== undefined) clients.delete(oldest);
  clients.add(client);
}

function kindOf(token: string): Kind | undefined {
  return KINDS.find((each) => token.startsWith(each));
}

/** Principals by hash; unknown and revoked ones are missing. */
async function findPrincipals(
  db: Queryable,
  kind: Kind,
  digests: readonly string[],
  nowMs: number,
): Promise<ReadonlyMap<string, Principal>> {
  const found = new Map<string, Principal>();
  for (let start = 0; start < digests.length; start += HASHES_PER_QUERY) {
    const part = digests.slice(start, start + HASHES_PER_QUERY);
    switch (kind) {
      case "unkey_":
        for (const row of await listRootKeysByHash(db, part)) found.set(row.hash, rootKeyPrincipal(row));
        break;
      case "region_":
        for (const row of await listRegionTokensByHash(db, part)) found.set(row.hash, regionPrincipal(row));
        break;
      case SESSION_PREFIX:
        for (const [hash, principal] of await findSessions(db, part, nowMs)) found.set(hash, principal);
        break;
      default:
        for (const row of await listSentinelsByToken(db, part)) {
          found.set(row.token_hash, sentinelPrincipal(row));
        }
    }
  }
  return found;
}

/** The sessions of pages that call, or hold a stream open, are in use. */
async function findSessions(
  db: Queryable,
  digests: readonly string[],
  nowMs: number,
): Promise<readonly (readonly [hash: string, Principal])[]> {
  const rows = await listSessionsByHash(db, digests, sessionTimes(nowMs));
  const due = rows.filter((row) => nowMs - row.last_seen_at >= SESSION_SEEN_MS);
  await touchSessions(db, due.map(({ hash }) => hash), nowMs);
  return rows.map((row) => [row.hash, {
    kind: "root_key",
    workspaceId: parseId("workspace", "workspace_id", row.workspace_id),
    keyId: row.key_id,
    keyName: row.key_name,
    permissions: new Set(decodeStrings(row.permissions)),
    sessionId: row.id,
  }]);
}

function sentinelPrincipal(row: Pick<SentinelsTable, "id" | "environment_id" | "region">): Principal {
  const { id, environment_id: environmentId, region } = row;
  return { kind: "sentinel", sentinelId: id, environmentId, region };
}

function regionPrincipal(row: RegionTokensTable): Principal {
  return row.region === EDGE_REGION
    ? { kind: "edge" }
    : { kind: "region", region: row.region, networks: networksOf(row) };
}

function rootKeyPrincipal(row: RootKeysTable): Principal {
  return {
    kind: "root_key",
    workspaceId: parseId("workspace", "workspace_id", row.workspace_id),
    keyId: row.id,
    keyName: row.name,
    permissions: new Set(decodeStrings(row.permissions)),
  };
}

/** The token that a request is made with: a bearer token, or a session's from a page of the dashboard. */
function tokenOf(headers: Headers, site: DashboardSite): string {
  const authorization = headers.get("authorization");
  if (!hasSessionCookie(headers)) {
    const token = bearer(authorization);
    if (token === undefined || token.startsWith(SESSION_PREFIX)) throw unauthenticated("no bearer token");
    return token;
  }
  if (authorization !== null) throw unauthenticated("a cookie and a bearer token");
  site.requireOwnPage(headers);
  return sessionTokenOf(headers) ?? missingSession();
}

function missingSession(): never {
  throw unauthenticated("no session");
}

/** The token that an admitted request was made with. */
export function admittedToken(headers: Headers): string | undefined {
  return bearer(headers.get("authorization")) ?? sessionTokenOf(headers);
}

/** The token of a header, or `undefined` when the header has another form. */
export function bearer(authorization: string | null): string | undefined {
  const token = authorization === null ? undefined : /^Bearer ([\x21-\x7e]+)$/i.exec(authorization)?.[1];
  return token === undefined || token.length > TOKEN_LENGTH_MAX ? undefined : token;
}

/** One text for all reasons, so that no caller learns which credentials exist. */
export function unauthenticated(detail: string): Fault {
  return new Fault("unauthenticated", detail, {
    publicMessage:
      'The credentials are missing, wrong or revoked. Send "Authorization: Bearer <root key>"; ' +
      '"unkey login" stores a key for the command line.',
  });
}
