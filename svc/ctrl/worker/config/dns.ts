/** The DNS in which the worker proves control of names: settings of `ctrl worker`. */
import { z } from "zod";
import {
  type ConfigOf,
  field,
  fieldName,
  listSchema,
  secretField,
  textSchema,
} from "../../../../pkg/config/mod.ts";
import { serverOf } from "../../../../pkg/dns/mod.ts";
import { TSIG_ALGORITHMS, type TsigAlgorithm } from "../../../../pkg/dns01/mod.ts";
import { Secret } from "../../../../pkg/config/mod.ts";

const PROVIDERS = ["rfc2136", "exec", "cloudflare", "route53"] as const;
const SERVER = "must be an address, with or without a port: 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53";

export const DNS_FIELDS = {
  acmeDnsProvider: field({
    flag: "acme-dns-provider",
    env: "UNKEY_ACME_DNS_PROVIDER",
    placeholder: `<${PROVIDERS.join("|")}>`,
    help:
      "Where the worker writes TXT records that prove control of a name. Without it there are no certificates for all names " +
      "below one, such as those of deployments.",
    schema: z.enum(PROVIDERS, { error: `must be one of ${PROVIDERS.join(", ")}` }).optional(),
  }),
  acmeDnsServer: field({
    flag: "acme-dns-server",
    env: "UNKEY_ACME_DNS_SERVER",
    placeholder: "<address[:port]>",
    help: "Primary server of the zones, for rfc2136.",
    schema: serverSchema(),
  }),
  acmeDnsTsigKey: secretField({
    env: "UNKEY_ACME_DNS_TSIG_KEY",
    help: `Key that signs updates, for rfc2136: <algorithm>:<name>:<base64>, with one of ${
      Object.keys(TSIG_ALGORITHMS).join(", ")
    }.`,
    required: false,
  }),
  acmeDnsProgram: field({
    flag: "acme-dns-program",
    env: "UNKEY_ACME_DNS_PROGRAM",
    placeholder: "<path>",
    help: "Program for exec. It is run as <path> add|remove <name> <value> <zone>.",
    schema: textSchema(),
  }),
  acmeDnsCloudflareToken: secretField({
    env: "UNKEY_ACME_DNS_CLOUDFLARE_TOKEN",
    help: "Token for cloudflare, which may edit the records of the zones.",
    required: false,
  }),
  acmeDnsRoute53Key: secretField({
    env: "UNKEY_ACME_DNS_ROUTE53_KEY",
    help: "Key for route53: <access key id>:<secret access key>. Default: the credentials of the machine.",
    required: false,
  }),
  acmeDnsRoute53Zone: field({
    flag: "acme-dns-route53-zone",
    env: "UNKEY_ACME_DNS_ROUTE53_ZONE",
    placeholder: "<id>",
    help: "Hosted zone of the records, for route53. Default: the one that has the zone's name.",
    schema: textSchema(),
  }),
  acmeDnsResolver: field({
    flag: "acme-dns-resolver",
    env: "UNKEY_ACME_DNS_RESOLVER",
    placeholder: "<address[:port]>",
    help: "Resolver that finds zones and their servers. Default: the machine's.",
    schema: serverSchema(),
  }),
  acmeDnsNameservers: field({
    flag: "acme-dns-nameservers",
    env: "UNKEY_ACME_DNS_NAMESERVERS",
    placeholder: "<address[:port],...>",
    help: "Servers that must show a record before the authority looks. Default: all servers of its zone.",
    schema: listSchema([]).refine((servers) => servers.every(isServer), { message: SERVER }),
  }),
};

export type DnsConfig = ConfigOf<typeof DNS_FIELDS>;

/** A text per setting that the provider lacks. */
export function dnsProblems(config: DnsConfig): readonly string[] {
  const problems: string[] = [];
  const need = (isThere: boolean, setting: string, provider: string): void => {
    if (config.acmeDnsProvider === provider && !isThere) {
      problems.push(`${setting} is required with ${fieldName(DNS_FIELDS.acmeDnsProvider)} ${provider}`);
    }
  };
  need(config.acmeDnsServer !== undefined, fieldName(DNS_FIELDS.acmeDnsServer), "rfc2136");
  need(config.acmeDnsProgram !== undefined, fieldName(DNS_FIELDS.acmeDnsProgram), "exec");
  need(config.acmeDnsCloudflareToken !== undefined, "UNKEY_ACME_DNS_CLOUDFLARE_TOKEN", "cloudflare");
  if (config.acmeDnsTsigKey !== undefined && tsigKeyOf(config.acmeDnsTsigKey) === undefined) {
    problems.push("UNKEY_ACME_DNS_TSIG_KEY must look like hmac-sha256:<name>:<base64>");
  }
  if (config.acmeDnsRoute53Key !== undefined && pairOf(config.acmeDnsRoute53Key) === undefined) {
    problems.push("UNKEY_ACME_DNS_ROUTE53_KEY must look like <access key id>:<secret access key>");
  }
  return problems;
}

/** The parts of a key for signed updates; `undefined` when the text is none. */
export function tsigKeyOf(
  key: Secret,
): { readonly algorithm: TsigAlgorithm; readonly name: string; readonly secret: Secret } | undefined {
  const [, algorithm = "", name = "", secret = ""] =
    /^([^:]+):([^:]+):([A-Za-z0-9+/]+=*)$/.exec(key.reveal()) ?? [];
  const known = Object.keys(TSIG_ALGORITHMS).find((each): each is TsigAlgorithm => each === algorithm);
  if (known === undefined || !isBase64(secret)) return undefined;
  return { algorithm: known, name, secret: new Secret(secret) };
}

function isBase64(text: string): boolean {
  try {
    return Uint8Array.fromBase64(text).length > 0;
  } catch {
    return false;
  }
}

/** The two parts of a text with a colon. */
export function pairOf(text: Secret): { readonly id: Secret; readonly key: Secret } | undefined {
  const [, id, key] = /^([^:]+):(.+)$/.exec(text.reveal()) ?? [];
  return id === undefined || key === undefined ? undefined : { id: new Secret(id), key: new Secret(key) };
}

function isServer(text: string): boolean {
  return serverOf(text) !== undefined;
}

function serverSchema() {
  return textSchema().refine((text) => text === undefined || isServer(text), { message: SERVER });
}
