/**
 * The questions that `ctrl api` and `ctrl worker` can ask before they start, by their own settings.
 *
 * ```ts
 * const reports = await runProbes(apiProbes(config, clock), { clock, signal });
 * ```
 *
 * @module
 */
import { tmpdir } from "node:os";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { fieldName } from "../../../pkg/config/mod.ts";
import { serverOf } from "../../../pkg/dns/mod.ts";
import {
  clockProbe,
  type ClockSource,
  diskProbe,
  namesProbe,
  portProbe,
  type Probe,
  type WantedName,
} from "../../../pkg/preflight/mod.ts";
import { newDnsName } from "../../../pkg/uid/mod.ts";
import { API_FIELDS, type ApiConfig } from "../api/config.ts";
import type { DomainConfig } from "../internal/domains/mod.ts";
import { WORKER_FIELDS, type WorkerConfig } from "../worker/config/config.ts";
import { builderProbe, registryProbe } from "./builder.ts";
import { acmeProbes, authorityProbe, tlsProbe } from "./certificates.ts";
import { databaseClock, databaseProbe } from "./database.ts";
import { reachProbe, storeProbe } from "./objects.ts";
import { adminProbe, ingressProbe, restateClock } from "./restate.ts";

export { acmeProbes } from "./certificates.ts";

const LABEL_LENGTH = 12;
const MEBIBYTE = 1024 * 1024;
/** Names that no DNS has: they lead to the machine of the visitor. */
const LOCAL = /(^|\.)localhost$/;

/** Everything that `ctrl api` needs. */
export function apiProbes(config: ApiConfig, clock: Clock): readonly Probe[] {
  const { host, httpPort: port } = config;
  return present([
    databaseProbe(config, clock),
    ingressProbe(config),
    storeProbe(config, clock),
    clockProbe(clocks(config, clock), clock),
    portProbe({ subject: "port", host, port, setting: fieldName(API_FIELDS.httpPort) }),
    dnsProbe(config, []),
    tlsProbe(config, clock),
    authorityProbe(config.caFile, clock),
  ]);
}

/** Everything that `ctrl worker` needs. */
export function workerProbes(config: WorkerConfig, clock: Clock): readonly Probe[] {
  const { host, httpPort, restateHttpPort } = config;
  return present([
    databaseProbe(config, clock),
    adminProbe(config),
    ingressProbe(config),
    reachProbe(config, clock),
    builderProbe(config),
    registryProbe(config),
    clockProbe(clocks(config, clock), clock),
    diskProbe({
      subject: "disk",
      folder: tmpdir(),
      bytesMin: config.buildContextMib * MEBIBYTE,
      setting: `TMPDIR, or ask for less with ${fieldName(WORKER_FIELDS.buildContextMib)}`,
    }),
    portProbe({
      subject: "port for restate",
      host,
      port: restateHttpPort,
      setting: fieldName(WORKER_FIELDS.restateHttpPort),
    }),
    portProbe({ subject: "health port", host, port: httpPort, setting: fieldName(WORKER_FIELDS.httpPort) }),
    dnsProbe(config, config.platformHosts),
    tlsProbe(config, clock),
    authorityProbe(config.caFile, clock),
    ...acmeProbes(config),
  ]);
}

function clocks(config: ApiConfig | WorkerConfig, clock: Clock): readonly ClockSource[] {
  return [databaseClock(config, clock), restateClock(config)];
}

/** `undefined` when every name leads to the visitor's own machine. */
function dnsProbe(config: DomainConfig, hosts: readonly string[]): Probe | undefined {
  const below = [config.defaultDomain, config.domainTarget].flatMap((domain): readonly WantedName[] =>
    domain === undefined || LOCAL.test(domain)
      ? []
      : [{ asked: `${newDnsName(LABEL_LENGTH)}.${domain}`, record: `*.${domain}` }]
  );
  const names = [...below, ...hosts.map((host) => ({ asked: host, record: host }))];
  const { domainResolver } = config;
  const resolver = domainResolver === undefined ? undefined : serverOf(domainResolver);
  return names.length === 0 ? undefined : namesProbe(names, resolver);
}

function present(probes: readonly (Probe | undefined)[]): readonly Probe[] {
  return probes.flatMap((probe) => probe ?? []);
}
