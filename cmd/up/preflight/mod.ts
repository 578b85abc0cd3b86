/**
 * Looks whether others can reach this machine before they try: names in the DNS, and rules of a local firewall. A problem is
 * a notice and no failure, since records may be set later, and certificates are tried again until they are there.
 *
 * @module
 */
import { type Server, serverOf } from "../../../pkg/dns/mod.ts";
import { newDnsName } from "../../../pkg/uid/mod.ts";
import type { UpConfig } from "../config.ts";
import type { Place } from "../place.ts";
import { ownAddresses } from "./addresses.ts";
import { dnsNotices } from "./dns.ts";
import { firewallNotices } from "./firewall.ts";

/** A problem that does not keep the platform from starting. */
export interface Notice {
  readonly subject: "dns" | "firewall";
  readonly text: string;
}

export interface PreflightOptions {
  readonly domain: string;
  readonly apiHost: string;
  readonly ports: readonly number[];
  /** Addresses at which others reach this machine, as the operator knows them. */
  readonly publicAddresses: readonly string[];
  /** Asked instead of the machine's resolver. */
  readonly resolver: Server | undefined;
}

/** The options of a platform with a domain. */
export function preflightOptions(config: UpConfig, place: Place): PreflightOptions {
  const { acmeDnsResolver } = config;
  return {
    domain: place.domain,
    apiHost: place.apiHost ?? place.domain,
    ports: [place.edgePort, ...place.edgeHttpsPort === undefined ? [] : [place.edgeHttpsPort]],
    publicAddresses: config.publicAddresses,
    resolver: acmeDnsResolver === undefined ? undefined : serverOf(acmeDnsResolver),
  };
}

/** All problems that are found; none of them ends the look at the others. */
export async function preflight(
  { domain, apiHost, ports, publicAddresses, resolver }: PreflightOptions,
  signal: AbortSignal,
): Promise<readonly Notice[]> {
  const names = [
    { asked: domain, record: domain },
    { asked: apiHost, record: apiHost },
    // No record but a wildcard can answer for it.
    { asked: `${newDnsName(12)}.${domain}`, record: `*.${domain}` },
  ];
  const own = publicAddresses.length > 0
    ? { addresses: publicAddresses, isTold: true }
    : { addresses: ownAddresses(), isTold: false };
  const [dns, firewall] = await Promise.all([
    dnsNotices({ names, own, resolver }, signal),
    firewallNotices(ports),
  ]);
  return [
    ...dns.map((text) => ({ subject: "dns", text }) as const),
    ...firewall.map((text) => ({ subject: "firewall", text }) as const),
  ];
}
