/** A look at the DNS of a custom domain. */
import type { Dns } from "../../../../pkg/dns/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { isPublicSuffix, registeredDomain } from "../certificates/mod.ts";
import { isCloudflare } from "./cloudflare.ts";

/** The platform, as the DNS of custom domains has to know it. */
export interface DomainPlatform {
  /** Names below it lead to the edges. */
  readonly target: string;
  /** Of the edges; empty: those that names below the target have. */
  readonly addresses: readonly string[];
  /** Names of certificate authorities in CAA records; empty: not known. */
  readonly authorities: readonly string[];
  /** Names in them, or below them, are the platform's own. */
  readonly ownDomains: readonly string[];
}

export interface DomainDns {
  readonly dns: Dns;
  readonly platform: DomainPlatform;
}

/** The records of a name, as plain JSON. */
export interface Observation {
  /** The zone that holds the name is below a public suffix. */
  readonly delegated: boolean;
  /** The names that the name stands for (CNAME), one after the other. */
  readonly aliases: readonly string[];
  /** Of the last alias, or of the name itself; empty when the aliases end at the platform. */
  readonly addresses: readonly string[];
  /** All addresses are those of Cloudflare's proxy. */
  readonly proxied: boolean;
  /** Values of the TXT record that proves control. */
  readonly texts: readonly string[];
  /** The CAA records that hold for the name, and the name that has them. */
  readonly caa: { readonly name: string; readonly records: readonly string[] } | null;
  /** Of the edges. */
  readonly platformAddresses: readonly string[];
}

const ALIASES_MAX = 8;
const VALUES_MAX = 20;
const VALUE_CHARACTERS_MAX = 300;

/** The name of the TXT record that proves control of a name. */
export function proofName(hostname: string): string {
  return `_unkey.${hostname}`;
}

/** Asks the servers that hold the name. @throws `unavailable` when they do not answer */
export async function lookAtDomain(
  deps: DomainDns,
  { hostname, target }: { readonly hostname: string; readonly target: string },
  signal: AbortSignal,
): Promise<Observation> {
  const { dns } = deps;
  const [zone, aliases, texts, caa, edges] = await Promise.all([
    dns.zoneOf(hostname, signal),
    aliasesOf(deps, hostname, signal),
    dns.records(proofName(hostname), "TXT", signal),
    caaOf(dns, hostname, signal),
    platformAddresses(deps, target, signal),
  ]);
  const end = aliases.at(-1) ?? hostname;
  const addresses = isTarget(deps.platform, end) ? [] : await addressesOf(dns, end, signal);
  return {
    delegated: zone !== undefined && !isPublicSuffix(zone),
    aliases,
    addresses: bounded(addresses),
    proxied: addresses.length > 0 && addresses.every(isCloudflare),
    texts: bounded(texts),
    caa: caa === null ? null : { name: caa.name, records: bounded(caa.records) },
    platformAddresses: bounded(edges),
  };
}

async function aliasesOf(
  { dns, platform }: DomainDns,
  hostname: string,
  signal: AbortSignal,
): Promise<string[]> {
  const aliases: string[] = [];
  for (let name = hostname; aliases.length < ALIASES_MAX && !isTarget(platform, name);) {
    const [next] = await dns.records(name, "CNAME", signal);
    if (next === undefined || aliases.includes(next)) break;
    aliases.push(next);
    name = next;
  }
  return aliases;
}

function isTarget({ target }: DomainPlatform, name: string): boolean {
  return name.endsWith(`.${target}`);
}

async function addressesOf(dns: Dns, name: string, signal: AbortSignal): Promise<readonly string[]> {
  const types = ["A", "AAAA"] as const;
  return (await Promise.all(types.map((type) => dns.records(name, type, signal)))).flat();
}

/** Addresses of the edges; none when they are not set and the DNS does not say. */
export async function platformAddresses(
  { dns, platform }: DomainDns,
  target: string,
  signal = new AbortController().signal,
): Promise<readonly string[]> {
  if (platform.addresses.length > 0) return platform.addresses;
  const types = ["A", "AAAA"] as const;
  try {
    return (await Promise.all(types.map((type) => dns.resolve(target, type, signal)))).flat();
  } catch (error) {
    signal.throwIfAborted();
    if (isFault(error, "unavailable")) return [];
    throw error;
  }
}

/** The nearest ones upwards decide (RFC 8659, section 3). */
async function caaOf(dns: Dns, hostname: string, signal: AbortSignal): Promise<Observation["caa"]> {
  const registered = registeredDomain(hostname);
  for (let name = hostname; name.length >= registered.length; name = name.slice(name.indexOf(".") + 1)) {
    const records = await dns.resolve(name, "CAA", signal);
    if (records.length > 0) return { name, records };
    if (!name.includes(".")) break;
  }
  return null;
}

/** Strangers wrote them. */
function bounded(values: readonly string[]): readonly string[] {
  return values.slice(0, VALUES_MAX).map((value) => value.slice(0, VALUE_CHARACTERS_MAX));
}
