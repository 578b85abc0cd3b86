/** Opens the DNS that the settings name. */
import type { Clock } from "../../../pkg/clock/mod.ts";
import { serverOf } from "../../../pkg/dns/mod.ts";
import {
  type DnsProvider,
  openCloudflare,
  openExecHook,
  openLookup,
  openProofRecords,
  openRfc2136,
  openRoute53,
  type ProofRecords,
} from "../../../pkg/dns01/mod.ts";
import { Fault } from "../../../pkg/fault/mod.ts";
import { type DnsConfig, dnsProblems, pairOf, tsigKeyOf } from "./config/dns.ts";

/** `undefined` when the settings name no provider. Does no I/O. */
export function openDns(config: DnsConfig, clock: Clock): ProofRecords | undefined {
  const provider = openProvider(config, clock);
  if (provider === undefined) return undefined;
  const { acmeDnsResolver, acmeDnsNameservers } = config;
  const lookup = openLookup({
    resolver: acmeDnsResolver === undefined ? undefined : serverOf(acmeDnsResolver),
    nameservers: acmeDnsNameservers.flatMap((text) => serverOf(text) ?? []),
  });
  return openProofRecords({ provider, lookup });
}

function openProvider(config: DnsConfig, clock: Clock): DnsProvider | undefined {
  const { acmeDnsProvider: kind, acmeDnsServer, acmeDnsTsigKey, acmeDnsProgram, acmeDnsCloudflareToken } =
    config;
  if (kind === undefined) return undefined;
  if (kind === "route53") {
    const pair = config.acmeDnsRoute53Key && pairOf(config.acmeDnsRoute53Key);
    const credentials = pair && { accessKeyId: pair.id, secretAccessKey: pair.key };
    return openRoute53({ credentials, zoneId: config.acmeDnsRoute53Zone });
  }
  if (kind === "exec" && acmeDnsProgram !== undefined) return openExecHook(acmeDnsProgram);
  if (kind === "cloudflare" && acmeDnsCloudflareToken !== undefined) {
    return openCloudflare({ token: acmeDnsCloudflareToken });
  }
  const server = acmeDnsServer === undefined ? undefined : serverOf(acmeDnsServer);
  if (kind === "rfc2136" && server !== undefined) {
    return openRfc2136({ server, key: acmeDnsTsigKey && tsigKeyOf(acmeDnsTsigKey), clock });
  }
  throw new Fault("invalid_argument", dnsProblems(config).join("; "));
}
