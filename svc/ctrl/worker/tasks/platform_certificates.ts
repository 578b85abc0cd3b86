import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";
import { PLATFORM_WORKSPACE, requestCertificate } from "../../internal/certificates/mod.ts";
import type { CtrlDatabase } from "../../internal/store/mod.ts";
import type { Workflows } from "../../internal/workflows/mod.ts";

export interface PlatformCertificatesDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly workflows: Pick<Workflows, "processCertificate">;
}

/** The domains under which the platform gives out names, and its own hosts. */
export interface PlatformDomains {
  readonly defaultDomain: string;
  readonly regionalDomain: string | undefined;
  readonly regions: readonly string[];
  /** Of the platform's own services. */
  readonly hosts: readonly string[];
}

const RETRY_FIRST_MS = 1_000;
const RETRY_MS_MAX = 60_000;

/**
 * The names that the platform itself wants certificates for. With `hasRecords` it can prove names in the DNS, and gets a
 * wildcard for each of its domains, which then covers its hosts, too. A name without a dot, such as `localhost`, gets none.
 */
export function platformNames(
  { defaultDomain, regionalDomain, regions, hosts }: PlatformDomains,
  hasRecords: boolean,
): readonly string[] {
  if (!hasRecords) return hosts;
  const domains = [
    ...defaultDomain.includes(".") ? [defaultDomain] : [],
    ...regionalDomain === undefined ? [] : regions.map((region) => `${region}.${regionalDomain}`),
  ];
  const isCovered = (host: string): boolean => domains.includes(host.slice(host.indexOf(".") + 1));
  return [...domains.map((domain) => `*.${domain}`), ...hosts.filter((host) => !isCovered(host))];
}

/** Wants these certificates, once; tries until each wish is written down and known to the workflows. */
export async function ensurePlatformCertificates(
  { db, clock, log, workflows }: PlatformCertificatesDeps,
  hostnames: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (const hostname of hostnames) {
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await requestCertificate(
          { db, clock, workflows },
          { workspaceId: PLATFORM_WORKSPACE, hostname },
          signal,
        );
        break;
      } catch (error) {
        if (signal.aborted) return;
        log.warn("certificate of the platform not requested", { hostname, error: describeError(error) });
        await clock.sleep(backoffMs(attempt, RETRY_FIRST_MS, RETRY_MS_MAX), signal).catch(() => undefined);
      }
    }
  }
}
