import { getDomain, getPublicSuffix } from "tldts";
import { invalid } from "../validate/mod.ts";

const HOSTNAME_CHARACTERS_MAX = 253;
const HOSTNAME = /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** A name that a certificate can be for, in lower case; `*.name` for one label before it. */
export function certificateHostname(field: string, value: string): string {
  const hostname = value.toLowerCase().replace(/\.$/, "");
  if (hostname.length <= HOSTNAME_CHARACTERS_MAX && HOSTNAME.test(hostname)) return hostname;
  throw invalid(field, "must be a host name with at least one dot, or one after `*.`", value);
}

export function isWildcard(hostname: string): boolean {
  return hostname.startsWith("*.");
}

/** The name that was bought, by the public suffix list, private suffixes included: limits of authorities are about it. */
export function registeredDomain(hostname: string): string {
  const name = isWildcard(hostname) ? hostname.slice(2) : hostname;
  return getDomain(name, { allowPrivateDomains: true }) ?? name;
}

/** True for a name below which anybody can have one, such as `co.uk`. */
export function isPublicSuffix(hostname: string): boolean {
  return getPublicSuffix(hostname, { allowPrivateDomains: true }) === hostname;
}
