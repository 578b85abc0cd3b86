import type { MessageInitShape } from "@bufbuild/protobuf";
import type { StreamClient } from "../../../../pkg/rpc/mod.ts";
import type { RouteStateSchema } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import type { AgentHeartbeats } from "../../internal/agents/mod.ts";
import { type ChangeHub, EDGE_REGION } from "../../internal/changes/mod.ts";
import { invalid, key, version } from "../../internal/validate/mod.ts";
import { type CtrlDatabase, recordRequests } from "../../internal/store/mod.ts";
import type { RouteFeed } from "./route_feed.ts";
import { EDGE_VIEW, type SentinelScope, sentinelView } from "./view.ts";

export interface FrontlineDeps {
  readonly hub: ChangeHub;
  readonly agents: AgentHeartbeats;
  readonly feed: RouteFeed;
  readonly db: CtrlDatabase;
}

const REQUESTED_MAX = 2_000;

type RouteState = MessageInitShape<typeof RouteStateSchema>;

/** All routes and endpoints, then their changes, until `signal` aborts. */
export async function* watchRoutes(
  { hub, agents, feed }: FrontlineDeps,
  edge: { readonly edgeId: string; readonly versionLastSeen: bigint },
  { signal, sendNow }: StreamClient,
): AsyncGenerator<RouteState> {
  const sinceVersion = version("version_last_seen", edge.versionLastSeen);
  if (edge.edgeId !== "") {
    await agents.record({ agentId: edgeKey(edge.edgeId), region: EDGE_REGION });
  }
  yield* hub.watch(feed, { region: EDGE_REGION, sinceVersion, signal }, {
    toMessage: EDGE_VIEW.show,
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

/**
 * Records the version that an edge has applied, which the stop of a predecessor waits for, and the deployments that got
 * requests through it.
 */
export async function acknowledgeRoutes(
  { agents, db }: Pick<FrontlineDeps, "agents" | "db">,
  edge: {
    readonly edgeId: string;
    readonly appliedVersion: bigint;
    readonly requestedDeploymentIds: readonly string[];
  },
): Promise<void> {
  const applied = version("applied_version", edge.appliedVersion);
  const requested = edge.requestedDeploymentIds;
  if (requested.length > REQUESTED_MAX) {
    throw invalid("requested_deployment_ids", `must be at most ${REQUESTED_MAX}`);
  }
  for (const id of requested) parseId("deployment", "requested_deployment_ids", id);
  await recordRequests(db.kysely, requested);
  await agents.record({
    agentId: edgeKey(edge.edgeId),
    region: EDGE_REGION,
    progress: { appliedVersion: applied, observedVersion: applied },
  });
}

function edgeKey(edgeId: string): string {
  return `${EDGE_REGION}:${key("edge_id", edgeId, 63)}`;
}
