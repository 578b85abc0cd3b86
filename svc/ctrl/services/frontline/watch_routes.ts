import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import type { StreamClient } from "../../../../pkg/rpc/mod.ts";
import type { FailedRequests, RouteStateSchema } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import type { AgentHeartbeats } from "../../internal/agents/mod.ts";
import { type ChangeHub, EDGE_REGION } from "../../internal/changes/mod.ts";
import { SLOT_MS } from "../../internal/switches/mod.ts";
import { invalid, key, optionalText, version } from "../../internal/validate/mod.ts";
import {
  type CountedFailures,
  countFailures,
  type CtrlDatabase,
  recordRequests,
  SLEEP_REVISION,
} from "../../internal/store/mod.ts";
import type { RouteFeed } from "./route_feed.ts";
import { earlierEdgeView, EDGE_VIEW, type SentinelScope, sentinelView } from "./view.ts";

export interface FrontlineDeps {
  readonly hub: ChangeHub;
  readonly agents: AgentHeartbeats;
  readonly feed: RouteFeed;
  readonly db: CtrlDatabase;
  readonly clock: Clock;
}

const REQUESTED_MAX = 2_000;
const SLOTS_MAX = 1_000;

type RouteState = MessageInitShape<typeof RouteStateSchema>;

/** All routes and endpoints, then their changes, until `signal` aborts. */
export async function* watchRoutes(
  { hub, agents, feed }: FrontlineDeps,
  edge: {
    readonly edgeId: string;
    readonly versionLastSeen: bigint;
    readonly knowsProtection: boolean;
    readonly knowsSleep: boolean;
  },
  { signal, sendNow }: StreamClient,
): AsyncGenerator<RouteState> {
  const sinceVersion = version("version_last_seen", edge.versionLastSeen);
  if (edge.edgeId !== "") {
    await agents.record({
      agentId: edgeKey(edge.edgeId),
      region: EDGE_REGION,
      feedRevision: revisionOf(edge.knowsSleep),
    });
  }
  yield* hub.watch(feed, { region: EDGE_REGION, sinceVersion, signal }, {
    toMessage: (edge.knowsProtection ? EDGE_VIEW : earlierEdgeView()).show,
    sendNow,
  });
}

/**
 * The same for a sentinel, of its environment only. It always begins with a snapshot, and it is no edge: no switch waits for
 * its acknowledgements.
 */
export function watchOwnRoutes(
  { hub, feed }: Pick<FrontlineDeps, "hub" | "feed">,
  scope: SentinelScope,
  { signal, sendNow }: StreamClient,
): AsyncIterable<RouteState> {
  const toMessage = sentinelView(scope).show;
  return hub.watch(feed, { region: EDGE_REGION, sinceVersion: 0, signal }, { toMessage, sendNow });
}

/** An acknowledgement as it comes. */
export interface EdgeReport {
  readonly edgeId: string;
  readonly region: string;
  readonly appliedVersion: bigint;
  readonly appliedMsAgo: number;
  readonly requestedDeploymentIds: readonly string[];
  readonly failedRequests?: FailedRequests | undefined;
  readonly knowsSleep: boolean;
}

/**
 * Records the version that an edge has applied, which the stop of a predecessor waits for, and the deployments that got
 * requests through it; for receipts of switches, the failed requests that it counted.
 */
export async function acknowledgeRoutes(
  { agents, db, clock }: Pick<FrontlineDeps, "agents" | "db" | "clock">,
  edge: EdgeReport,
): Promise<void> {
  const nowMs = clock.now();
  const applied = version("applied_version", edge.appliedVersion);
  const edgeRegion = optionalText("region", edge.region, 63);
  const requested = edge.requestedDeploymentIds;
  if (requested.length > REQUESTED_MAX) {
    throw invalid("requested_deployment_ids", `must be at most ${REQUESTED_MAX}`);
  }
  for (const id of requested) parseId("deployment", "requested_deployment_ids", id);
  const agentId = edgeKey(edge.edgeId);
  const failed = edge.failedRequests && readFailed(edge.failedRequests, { agentId, nowMs });
  await recordRequests(db.kysely, requested);
  await agents.record({
    agentId,
    region: EDGE_REGION,
    feedRevision: revisionOf(edge.knowsSleep),
    progress: {
      appliedVersion: applied,
      observedVersion: applied,
      edgeRegion,
      appliedAtMs: nowMs - edge.appliedMsAgo,
    },
  });
  if (failed !== undefined) await transact(db, (tx) => countFailures(tx, failed));
}

/** @throws `invalid_argument` for more than an edge reports at once */
function readFailed(
  { countedSlot, countedMsAgo, slots }: FailedRequests,
  { agentId, nowMs }: { readonly agentId: string; readonly nowMs: number },
): CountedFailures {
  if (slots.length > SLOTS_MAX) throw invalid("failed_requests", `must have at most ${SLOTS_MAX} slots`);
  const counted = version("failed_requests.counted_slot", countedSlot);
  const countedUntilMs = nowMs - countedMsAgo;
  return {
    agentId,
    countedUntilMs,
    slots: slots.map((each) => {
      const slot = version("failed_requests.slot", each.slot);
      return {
        slot,
        deploymentId: parseId("deployment", "failed_requests.deployment_id", each.deploymentId),
        endedAtMs: countedUntilMs - (counted - slot) * SLOT_MS,
        byEdge: each.byEdge,
        byInstance: each.byInstance,
      };
    }),
  };
}

/** An edge that knows of sleep knows all before it. */
function revisionOf(knowsSleep: boolean): number {
  return knowsSleep ? SLEEP_REVISION : 0;
}

function edgeKey(edgeId: string): string {
  return `${EDGE_REGION}:${key("edge_id", edgeId, 63)}`;
}
