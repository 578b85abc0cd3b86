/** The domains of the platform, and where custom domains are looked up: settings that api and worker must have alike. */
import { isIP } from "node:net";
import { z } from "zod";
import { type ConfigOf, field, listSchema, textSchema } from "../../../../pkg/config/mod.ts";
import { openDns, type Server, serverOf } from "../../../../pkg/dns/mod.ts";
import type { DomainDns } from "./look.ts";

const DOMAIN = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
/** Leaves room for the label in front of it. */
const DOMAIN_LENGTH_MAX = 189;
const DOMAIN_RULE = `must be a domain in lower case of at most ${DOMAIN_LENGTH_MAX} characters`;
const SERVER = "must be an address, with or without a port: 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53";

export const DOMAIN_FIELDS = {
  defaultDomain: field({
    flag: "default-domain",
    env: "UNKEY_DEFAULT_DOMAIN",
    placeholder: "<domain>",
    help: "Host names of deployments end with it.",
    schema: z.string().default("localhost").refine(isDomain, { message: DOMAIN_RULE }),
  }),
  regionalDomain: field({
    flag: "regional-apex-domain",
    env: "UNKEY_REGIONAL_APEX_DOMAIN",
    placeholder: "<domain>",
    help:
      "Domain with a name per region below it, <region>.<domain>. Each gets a certificate for all names below it.",
    schema: optionalDomain(),
  }),
  domainTarget: field({
    flag: "domain-target",
    env: "UNKEY_DOMAIN_TARGET",
    placeholder: "<domain>",
    help:
      "Domain of which all names lead to the edges (a record for *.<domain>). Users point custom domains to names below it. " +
      "Without it there are no custom domains.",
    schema: optionalDomain(),
  }),
  domainAddresses: field({
    flag: "domain-addresses",
    env: "UNKEY_DOMAIN_ADDRESSES",
    placeholder: "<address,...>",
    help:
      "Addresses of the edges, for custom domains that cannot have a CNAME. Default: those of the names below --domain-target.",
    schema: listSchema([]).refine((all) => all.every((each) => isIP(each) !== 0), {
      message: "must be IP addresses",
    }),
  }),
  domainAuthorities: field({
    flag: "domain-authorities",
    env: "UNKEY_DOMAIN_AUTHORITIES",
    placeholder: "<name,...>",
    help: "Names of the certificate authorities in CAA records; users are told when a record forbids them.",
    schema: listSchema(["letsencrypt.org"]),
  }),
  domainResolver: field({
    flag: "domain-resolver",
    env: "UNKEY_DOMAIN_RESOLVER",
    placeholder: "<address[:port]>",
    help: "Resolver that finds the zones of custom domains and their servers. Default: the machine's.",
    schema: textSchema().refine((text) => text === undefined || serverOf(text) !== undefined, {
      message: SERVER,
    }),
  }),
  domainNameservers: field({
    flag: "domain-nameservers",
    env: "UNKEY_DOMAIN_NAMESERVERS",
    placeholder: "<address[:port],...>",
    help:
      "Servers that are asked for records of custom domains. Default: those of each zone, unless their addresses are private.",
    schema: listSchema([]).refine((all) => all.every((each) => serverOf(each) !== undefined), {
      message: SERVER,
    }),
  }),
};

export type DomainConfig = ConfigOf<typeof DOMAIN_FIELDS>;

/** Custom domains as the settings want them; `undefined`: there are none. Does no I/O. */
export function openDomains(config: DomainConfig): DomainDns | undefined {
  const { domainTarget, domainAddresses, domainAuthorities, domainResolver, domainNameservers } = config;
  if (domainTarget === undefined) return undefined;
  const resolver = domainResolver === undefined ? undefined : serverOf(domainResolver);
  const nameservers = domainNameservers.flatMap((text): readonly Server[] => {
    const server = serverOf(text);
    return server === undefined ? [] : [server];
  });
  return {
    dns: openDns({ resolver, nameservers, publicOnly: true }),
    platform: {
      target: domainTarget,
      addresses: domainAddresses,
      authorities: domainAuthorities,
      ownDomains: ownDomains(config),
    },
  };
}

/** Domains whose names the platform gives out itself. */
function ownDomains({ defaultDomain, regionalDomain, domainTarget }: DomainConfig): readonly string[] {
  return [defaultDomain, regionalDomain, domainTarget].flatMap((each) => each ?? []);
}

function optionalDomain() {
  return z.string().optional().refine((domain) => domain === undefined || isDomain(domain), {
    message: DOMAIN_RULE,
  });
}

/** True for a domain below which deployments can have names. */
export function isDomain(domain: string): boolean {
  return domain.length <= DOMAIN_LENGTH_MAX && DOMAIN.test(domain);
}
