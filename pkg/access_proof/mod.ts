/**
 * Proofs that a visitor may see what is protected: tokens in links, and cookies of browsers. Both end, and both hold under
 * one key only: another key ends them all.
 *
 * ```ts
 * const token = makeLinkToken(key, { kind: "environment", id: "env_1" }, endsAtSeconds);
 * const proof = checkLinkToken(key, place, token, clock.now()); // { kind: "valid", scope, endsAtSeconds }
 * const cookie = makeCookie(key, { hostname, scope: proof.scope }, endsAtSeconds);
 * ```
 *
 * A token holds for an environment, or for one deployment; a cookie for the same at one host name. The texts say their end and
 * their kind, and a MAC binds both to all else.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";

export const KEY_BYTES = 32;
/** The parameter of a link's query that has its token, and the header that may have it instead. */
export const LINK_PARAMETER = "unkey_share";
export const LINK_HEADER = "x-unkey-share";
/** Longer than a token can be. */
export const TOKEN_CHARACTERS_MAX = 64;

/** The extent of a proof. */
export interface Scope {
  readonly kind: "environment" | "deployment";
  readonly id: string;
}

/** The target of a request: a scope with one of these ids has it. */
export interface Place {
  readonly environmentId: string;
  readonly deploymentId: string;
}

/** A check's outcome. A text that has ended is called so only when it was right before. */
export type Proof =
  | { readonly kind: "valid"; readonly scope: Scope; readonly endsAtSeconds: number }
  | { readonly kind: "ended" }
  | { readonly kind: "invalid" };

const PATTERN = /^([ed])([0-9]{1,11})\.[A-Za-z0-9_-]{43}$/;
const INVALID: Proof = { kind: "invalid" };

/** The token of a link. */
export function makeLinkToken(key: Uint8Array, scope: Scope, endsAtSeconds: number): string {
  return seal(key, ["link"], scope, endsAtSeconds);
}

/** The proof that a link's token is for a request to this place. */
export function checkLinkToken(key: Uint8Array, place: Place, token: string, nowMs: number): Proof {
  return check(key, ["link"], { place, text: token, nowMs });
}

/** The value of a cookie for one host name. */
export function makeCookie(
  key: Uint8Array,
  { hostname, scope }: { readonly hostname: string; readonly scope: Scope },
  endsAtSeconds: number,
): string {
  return seal(key, ["cookie", hostname], scope, endsAtSeconds);
}

/** The proof that a cookie's value is for a request to this place at this host name. */
export function checkCookie(
  key: Uint8Array,
  { hostname, place }: { readonly hostname: string; readonly place: Place },
  value: string,
  nowMs: number,
): Proof {
  return check(key, ["cookie", hostname], { place, text: value, nowMs });
}

/** A digest of a text that says nothing without the key. */
export function digestOf(key: Uint8Array, ...parts: readonly string[]): string {
  return createHmac("sha256", key).update(JSON.stringify(parts)).digest("base64url");
}

function seal(key: Uint8Array, purpose: readonly string[], scope: Scope, endsAtSeconds: number): string {
  const mac = digestOf(key, ...purpose, scope.kind, scope.id, String(endsAtSeconds));
  return `${scope.kind === "environment" ? "e" : "d"}${endsAtSeconds}.${mac}`;
}

function check(
  key: Uint8Array,
  purpose: readonly string[],
  { place, text, nowMs }: { readonly place: Place; readonly text: string; readonly nowMs: number },
): Proof {
  const [, letter, digits] = PATTERN.exec(text) ?? [];
  if (letter === undefined || digits === undefined || key.length !== KEY_BYTES) return INVALID;
  const endsAtSeconds = Number(digits);
  const scope: Scope = letter === "e"
    ? { kind: "environment", id: place.environmentId }
    : { kind: "deployment", id: place.deploymentId };
  const expected = Buffer.from(seal(key, purpose, scope, endsAtSeconds));
  const given = Buffer.from(text);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) return INVALID;
  return endsAtSeconds * 1_000 > nowMs ? { kind: "valid", scope, endsAtSeconds } : { kind: "ended" };
}
