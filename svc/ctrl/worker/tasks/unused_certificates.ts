import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { type Meter, NO_METER } from "../../../../pkg/metrics/mod.ts";
import { cancelCertificate, PLATFORM_WORKSPACE } from "../../internal/certificates/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import { type CtrlDatabase, listUnusedOrders } from "../../internal/store/mod.ts";
import type { Workflows } from "../../internal/workflows/mod.ts";

export interface UnusedCertificatesDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly changes: ChangeNotifier;
  readonly workflows: Pick<Workflows, "processCertificate">;
  /** Names that the platform wants for itself. */
  readonly platformNames: readonly string[];
}

const EVERY_MS = 3_600_000;
const AT_ONCE_MAX = 200;

/**
 * Gives up certificates of deployments that are gone or stopped, at the start and then each hour: they would be renewed for
 * ever. A deployment that is started again gets another one at its first request.
 */
export async function giveUpUnusedCertificates(
  deps: UnusedCertificatesDeps,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log, meter = NO_METER } = deps;
  while (!signal.aborted) {
    try {
      await meter(() => giveUpOnce(deps, signal));
    } catch (error) {
      if (!signal.aborted) log.warn("unused certificates not given up", { error: describeError(error) });
    }
    await clock.sleep(EVERY_MS, signal).catch(() => undefined);
  }
}

/** One look; returns the names that were given up. */
export async function giveUpOnce(
  deps: UnusedCertificatesDeps,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { db, log, platformNames } = deps;
  const hostnames = await listUnusedOrders(db.kysely, {
    workspaceId: PLATFORM_WORKSPACE,
    except: platformNames,
    limit: AT_ONCE_MAX,
  });
  for (const hostname of hostnames) {
    await cancelCertificate(deps, { workspaceId: PLATFORM_WORKSPACE, hostname }, signal);
  }
  if (hostnames.length > 0) log.info("unused certificates given up", { count: hostnames.length });
  return hostnames;
}
