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

/** The domains under which the platform gives out names. */
export interface PlatformDomains {
  readonly defaultDomain: string;
  readonly regionalDomain: string | undefined;
  readonly regions: readonly string[];
}

const RETRY_FIRST_MS = 1_000;
const RETRY_MS_MAX = 60_000;

/** The wildcards of the platform's own names. A name without a dot, such as `localhost`, gets none. */
export function platformWildcards(
  { defaultDomain, regionalDomain, regions }: PlatformDomains,
): readonly string[] {
  const regional = regionalDomain === undefined
    ? []
    : regions.map((region) => `*.${region}.${regionalDomain}`);
  return defaultDomain.includes(".") ? [`*.${defaultDomain}`, ...regional] : regional;
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
