import type { Client } from "@connectrpc/connect";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { describeError } from "../../../pkg/fault/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../pkg/retry/mod.ts";
import type { FrontlineService } from "../../../proto/gen/ctrl/v1/frontline_pb.ts";
import type { Refusals } from "./refusals.ts";

export interface RefusalReport {
  readonly refusals: Refusals;
  readonly client: Pick<Client<typeof FrontlineService>, "reportRefusals">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly edgeId: string;
}

const EVERY_MS = 1_000;
const RETRY_MS_MAX = 30_000;
const CALL_MS_MAX = 10_000;

/** Sends what an edge refused to the control plane until `signal` aborts; while that is away, the newest lines wait. */
export async function reportRefusals(options: RefusalReport, signal: AbortSignal): Promise<void> {
  const { refusals, client, clock, log, edgeId } = options;
  for (let failures = 0; !signal.aborted;) {
    const lines = refusals.take(clock.now());
    if (lines.length > 0) {
      try {
        const sent = lines.map(({ deploymentId, text, atMs }) => ({ deploymentId, text, at: BigInt(atMs) }));
        await client.reportRefusals({ edgeId, refusals: sent }, { signal, timeoutMs: CALL_MS_MAX });
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        refusals.failed(lines);
        if (failures++ === 0) log.warn("reporting refusals failed", { error: describeError(error) });
      }
    }
    const waitMs = failures === 0 ? EVERY_MS : backoffMs(failures, EVERY_MS, RETRY_MS_MAX);
    await clock.sleep(waitMs, signal).catch(() => undefined);
  }
}
