import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { type Meter, NO_METER } from "../../../../pkg/metrics/mod.ts";
import {
  type CtrlDatabase,
  EDGE_REGION,
  listAgents,
  listUnusedDeployments,
} from "../../internal/store/mod.ts";
import { handlerPath, type IngressOptions, postToIngress } from "../../internal/workflows/ingress.ts";
import { ROUTING_SERVICE } from "../../internal/workflows/names.ts";
import type { EndUnusedRequest } from "../routing/contract.ts";

export interface PreviewEndsDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly ingress: IngressOptions;
  /** For environments without a setting of their own; 0: never. */
  readonly operatorSeconds: number;
}

const EVERY_MS = 15_000;
const AT_ONCE_MAX = 100;
/** Edges name a deployment again after 30 s at the earliest, with their next heartbeat. */
export const REPORTS_MARGIN_MS = 45_000;

/**
 * Asks now and then for the end of unused deployments. The environment's own object ends them, and looks again
 * before it does. Workers need not agree on who asks: an end that is asked for twice happens once.
 */
export async function endUnusedPreviews(deps: PreviewEndsDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, meter = NO_METER } = deps;
  let after = "";
  while (!signal.aborted) {
    // The wait first: edges may have requests to report after the control plane was away.
    await clock.sleep(EVERY_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      const begin = after;
      after = await meter(() => endUnusedOnce(deps, begin, signal));
    } catch (error) {
      if (!signal.aborted) log.warn("unused previews not ended", { error: describeError(error) });
    }
  }
}

/**
 * One look at the deployments with ids after `after`; returns where the next look goes on, so that those that cannot be
 * ended hide no others. None while an edge that may serve sends no heartbeat: it cannot report requests.
 */
export async function endUnusedOnce(
  deps: PreviewEndsDeps,
  after: string,
  signal: AbortSignal,
): Promise<string> {
  const { db, clock, log, ingress, operatorSeconds } = deps;
  const nowMs = clock.now();
  const edges = await listAgents(db.kysely, { sinceMs: 0, region: EDGE_REGION });
  if (edges.some((each) => each.last_seen_at < nowMs - REPORTS_MARGIN_MS)) return after;
  const unused = await listUnusedDeployments(db.kysely, {
    operatorSeconds,
    marginMs: REPORTS_MARGIN_MS,
    limit: AT_ONCE_MAX,
    after,
  });
  const period = Math.floor(nowMs / EVERY_MS);
  for (const { id: deploymentId, environmentId } of unused) {
    const path = `${handlerPath(ROUTING_SERVICE, environmentId, "endUnused")}/send`;
    const body: EndUnusedRequest = { deploymentId, operatorSeconds, marginMs: REPORTS_MARGIN_MS };
    await postToIngress(ingress, { path, body, idempotencyKey: `end-${deploymentId}-${period}`, signal });
  }
  if (unused.length > 0) log.info("ends of unused previews asked for", { count: unused.length });
  return unused.length < AT_ONCE_MAX ? "" : unused.at(-1)?.id ?? "";
}
