import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { handlerPath, type IngressOptions, postToIngress } from "../../internal/workflows/ingress.ts";
import { CERTIFICATE_SERVICE } from "../../internal/workflows/names.ts";

export interface RenewalDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly ingress: IngressOptions;
}

const EVERY_MS = 60_000;

/**
 * Asks for renewals at the start and then each minute. Workers need not agree on who does it: within one period they all
 * use the same idempotency key, so that it happens once.
 */
export async function requestRenewals(
  { clock, log, ingress }: RenewalDeps,
  signal: AbortSignal,
): Promise<void> {
  const path = `${handlerPath(CERTIFICATE_SERVICE, "global", "RenewExpiringCertificates")}/send`;
  while (!signal.aborted) {
    const period = Math.floor(clock.now() / EVERY_MS);
    try {
      await postToIngress(ingress, { path, body: {}, idempotencyKey: `cert-renewal-${period}`, signal });
    } catch (error) {
      if (!signal.aborted) log.warn("renewals not requested", { error: describeError(error) });
    }
    await clock.sleep(EVERY_MS, signal).catch(() => undefined);
  }
}
