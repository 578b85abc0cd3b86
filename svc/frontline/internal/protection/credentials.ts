/** The places of a request where a proof may be, and the request without them. */
import { Buffer } from "node:buffer";
import { LINK_HEADER, LINK_PARAMETER } from "../../../../pkg/access_proof/mod.ts";
import type { HeaderField, ProxyRequest } from "../../../../pkg/proxy/mod.ts";

/** Over TLS a browser keeps a cookie of such a name from every other host, those below the same domain among them. */
const SECURE_COOKIE = "__Host-unkey-access";
const PLAIN_COOKIE = "unkey-access";
/** Values of one name that are looked at. */
const COOKIES_MAX = 4;

export type Scheme = "http" | "https";

export function cookieName(scheme: Scheme): string {
  return scheme === "https" ? SECURE_COOKIE : PLAIN_COOKIE;
}

/** The cookie's values in the request; a browser sends one. */
export function cookieValues({ headers }: ProxyRequest, scheme: Scheme): readonly string[] {
  const begin = `${cookieName(scheme)}=`;
  return headers.filter((each) => each.lower === "cookie").flatMap(({ value }) => pairsOf(value))
    .filter((pair) => pair.startsWith(begin)).slice(0, COOKIES_MAX).map((pair) => pair.slice(begin.length));
}

/** The token in the request's header; `undefined` where none or several are. */
export function headerToken({ headers }: ProxyRequest): string | undefined {
  const [first, second] = headers.filter((each) => each.lower === LINK_HEADER);
  return second === undefined ? first?.value : undefined;
}

/** The tokens in the query, and the target without them; `undefined` where none is. */
export function linkInTarget(
  { target }: ProxyRequest,
): { readonly token: string; readonly rest: string } | undefined {
  const at = target.indexOf("?");
  if (at === -1 || !target.includes(LINK_PARAMETER, at)) return undefined;
  const parts = target.slice(at + 1).split("&");
  const isLink = (part: string): boolean => part === LINK_PARAMETER || part.startsWith(`${LINK_PARAMETER}=`);
  const first = parts.find(isLink);
  if (first === undefined) return undefined;
  const others = parts.filter((part) => !isLink(part));
  const query = others.length === 0 ? "" : `?${others.join("&")}`;
  return { token: first.slice(LINK_PARAMETER.length + 1), rest: `${target.slice(0, at)}${query}` };
}

/** The password of HTTP Basic (RFC 7617), whatever the user's name is. */
export function basicPassword({ headers }: Pick<ProxyRequest, "headers">): string | undefined {
  const [first, second] = headers.filter((each) => each.lower === "authorization");
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(first?.value ?? "")?.[1];
  if (encoded === undefined || second !== undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const at = text.indexOf(":");
  return at === -1 ? undefined : text.slice(at + 1);
}

/** The request's fields without those that prove something here. `basic`: the password is one of them. */
export function withoutProofs(
  headers: readonly HeaderField[],
  { basic }: { readonly basic: boolean },
): readonly HeaderField[] {
  return headers.flatMap((field) => {
    if (field.lower === LINK_HEADER || (basic && field.lower === "authorization")) return [];
    if (field.lower !== "cookie") return [field];
    const pairs = pairsOf(field.value);
    const kept = pairs.filter((pair) => !isOwn(pair));
    if (kept.length === pairs.length) return [field];
    return kept.length === 0 ? [] : [{ ...field, value: kept.join("; ") }];
  });
}

function isOwn(pair: string): boolean {
  return [SECURE_COOKIE, PLAIN_COOKIE].some((name) => pair === name || pair.startsWith(`${name}=`));
}

function pairsOf(value: string): readonly string[] {
  return value.split(";").map((pair) => pair.trim());
}

/** A path that stays at the host that it is given to: a browser takes `//` and `/\` for the begin of another host. */
export function ownPath(target: string): string {
  return /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(target) ? target : "/";
}
