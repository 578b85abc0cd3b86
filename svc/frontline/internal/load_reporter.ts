import type { Client } from "@connectrpc/connect";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { describeError } from "../../../pkg/fault/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import { isUnimplemented } from "../../../pkg/rpc/mod.ts";
import type { FrontlineService } from "../../../proto/gen/ctrl/v1/frontline_pb.ts";
import type { RegionLoad } from "./load.ts";

export interface LoadReport {
  /** The loads of all deployments that are scaled. */
  readonly take: (nowMs: number) => readonly RegionLoad[];
  readonly client: Pick<Client<typeof FrontlineService>, "reportLoad">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly edgeId: string;
  /** Of this run of the edge. */
  readonly processId: string;
}

const EVERY_MS = 2_000;
const CALL_MS_MAX = 2_000;
/** Of an older control plane. */
const UNKNOWN_MS = 60_000;

/**
 * Reports the load every 2 s until `signal` aborts, and then its end; nothing while no deployment is scaled. A report that fails
 * is not sent again: the next one replaces it.
 */
export async function reportLoad(options: LoadReport, signal: AbortSignal): Promise<void> {
  const { clock, log, take, client, edgeId, processId } = options;
  let failures = 0;
  let hasReported = false;
  while (!signal.aborted) {
    const loads = take(clock.now());
    let waitMs = EVERY_MS;
    // A deployment that was scaled until now is missing in one last report.
    if (loads.length > 0 || hasReported) {
      try {
        const all = loads.map((each) => ({ ...each, concurrencyMilli: BigInt(each.concurrencyMilli) }));
        await client.reportLoad({ edgeId, processId, loads: all }, { timeoutMs: CALL_MS_MAX });
        failures = 0;
        hasReported = loads.length > 0;
      } catch (error) {
        if (failures++ === 0) log.warn("reporting load failed", { error: describeError(error) });
        if (isUnimplemented(error)) waitMs = UNKNOWN_MS;
      }
    }
    await clock.sleep(waitMs, signal).catch(() => undefined);
  }
  if (!hasReported) return;
  await client.reportLoad({ edgeId, processId, isLast: true }, { timeoutMs: CALL_MS_MAX })
    .catch((error: unknown) => log.warn("reporting load failed", { error: describeError(error) }));
}
