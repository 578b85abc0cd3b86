import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteStateSchema } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import type { AgentBook } from "../../internal/agents/mod.ts";
import { type ChangeHub, EDGE_REGION, type FeedEvent } from "../../internal/changes/mod.ts";
import { text, version } from "../../internal/validate/mod.ts";
import { ROUTE_FEED, type RouteMessage } from "./route_feed.ts";

/** What the use cases of edges work with. */
export interface FrontlineDeps {
  readonly hub: ChangeHub;
  readonly agents: AgentBook;
}

type RouteState = MessageInitShape<typeof RouteStateSchema>;

/** All routes and endpoints, then what changes, for as long as the edge listens. */
export async function* watchRoutes(
  { hub, agents }: FrontlineDeps,
  edge: { readonly edgeId: string; readonly versionLastSeen: bigint },
  signal: AbortSignal,
): AsyncGenerator<RouteState> {
  const sinceVersion = version("version_last_seen", edge.versionLastSeen);
  if (edge.edgeId !== "") {
    await agents.note({ agentId: edgeKey(edge.edgeId), region: EDGE_REGION });
  }
  for await (const event of hub.watch(ROUTE_FEED, { region: EDGE_REGION, sinceVersion, signal })) {
    yield { state: stateOf(event), version: BigInt(event.version) };
  }
}

/** Notes up to which version an edge routes. Whoever stops a predecessor waits for it. */
export async function acknowledgeRoutes(
  { agents }: Pick<FrontlineDeps, "agents">,
  edge: { readonly edgeId: string; readonly appliedVersion: bigint },
): Promise<void> {
  const applied = version("applied_version", edge.appliedVersion);
  await agents.note({
    agentId: edgeKey(edge.edgeId),
    region: EDGE_REGION,
    progress: { appliedVersion: applied, observedVersion: applied },
  });
}

function stateOf(event: FeedEvent<RouteMessage>): RouteMessage {
  switch (event.kind) {
    case "item":
      return event.message;
    case "problem":
      return { case: "problem", value: { resourceId: event.resourceId, message: event.text } };
    case "snapshot_end":
      return { case: "snapshotEnd", value: { resources: event.resources } };
    case "heartbeat":
      return { case: "heartbeat", value: {} };
  }
}

function edgeKey(edgeId: string): string {
  return `${EDGE_REGION}:${text("edge_id", edgeId, 63)}`;
}
