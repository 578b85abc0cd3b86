import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { type Meter, NO_METER } from "../../../../pkg/metrics/mod.ts";
import { handlerPath, type IngressOptions, postToIngress } from "../../internal/workflows/ingress.ts";

export interface PeriodicDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly ingress: IngressOptions;
}

/** A handler of the key `global` that looks for what is due. */
export interface PeriodicCall {
  readonly service: string;
  readonly handler: string;
  /** Begins the idempotency keys of its calls. */
  readonly name: string;
}

const EVERY_MS = 60_000;

/**
 * Calls at the start and then each minute. Workers need not agree on who does it: within one period they all use the same
 * idempotency key, so that it happens once.
 */
export async function callEachMinute(
  { clock, log, ingress, meter = NO_METER }: PeriodicDeps,
  { service, handler, name }: PeriodicCall,
  signal: AbortSignal,
): Promise<void> {
  const path = `${handlerPath(service, "global", handler)}/send`;
  while (!signal.aborted) {
    const period = Math.floor(clock.now() / EVERY_MS);
    try {
      const call = { path, body: {}, idempotencyKey: `${name}-${period}`, signal };
      await meter(() => postToIngress(ingress, call));
    } catch (error) {
      if (!signal.aborted) log.warn("periodic call not sent", { call: name, error: describeError(error) });
    }
    await clock.sleep(EVERY_MS, signal).catch(() => undefined);
  }
}
