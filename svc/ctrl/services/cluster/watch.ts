import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  DeploymentStateSchema,
  FeedHeartbeatSchema,
  SentinelStateSchema,
} from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { defineFeed, type FeedEvent, feedKind } from "../../internal/changes/mod.ts";
import { touchAgent } from "../../internal/store/mod.ts";
import { version } from "../../internal/validate/mod.ts";
import { agentKey } from "./agent.ts";
import type { ClusterDeps } from "./deps.ts";

/** Where an agent wants to go on. */
export interface AgentWatch {
  readonly region: string;
  /** Empty for clients that do not say. */
  readonly agentId: string;
  /** 0 asks for a snapshot. */
  readonly versionLastSeen: bigint;
}

type DeploymentState = MessageInitShape<typeof DeploymentStateSchema>;
type SentinelState = MessageInitShape<typeof SentinelStateSchema>;

/** What the region should run: everything, then what changes, for as long as the agent listens. */
export async function* watchDeployments(
  deps: ClusterDeps,
  watch: AgentWatch,
  signal: AbortSignal,
): AsyncGenerator<DeploymentState> {
  for await (const event of deps.hub.watch(deps.deployments.feed, await begin(deps, watch, signal))) {
    const state = event.kind === "item" ? event.message : marker(event);
    yield { state, version: BigInt(event.version) };
  }
}

/** The same for sentinels. */
export async function* watchSentinels(
  deps: ClusterDeps,
  watch: AgentWatch,
  signal: AbortSignal,
): AsyncGenerator<SentinelState> {
  for await (const event of deps.hub.watch(SENTINELS, await begin(deps, watch, signal))) {
    const state = event.kind === "item" ? event.message : marker(event);
    yield { state, version: BigInt(event.version) };
  }
}

async function begin(
  { db, clock }: ClusterDeps,
  { region, agentId, versionLastSeen }: AgentWatch,
  signal: AbortSignal,
) {
  const sinceVersion = version("version_last_seen", versionLastSeen);
  if (agentId !== "") {
    await touchAgent(db.kysely, { agentId: agentKey(region, agentId), region, nowMs: clock.now() });
  }
  return { region, sinceVersion, signal };
}

type Marker =
  | { case: "problem"; value: { resourceId: string; message: string } }
  | { case: "snapshotEnd"; value: { resources: number } }
  | { case: "heartbeat"; value: MessageInitShape<typeof FeedHeartbeatSchema> };

/** Everything that is not a state: the same in both streams. */
function marker(event: Exclude<FeedEvent<never>, { kind: "item" }>): Marker {
  switch (event.kind) {
    case "problem":
      return { case: "problem", value: { resourceId: event.resourceId, message: event.text } };
    case "snapshot_end":
      return { case: "snapshotEnd", value: { resources: event.resources } };
    case "heartbeat":
      return { case: "heartbeat", value: {} };
  }
}

/** There are no sentinels yet, so the whole live state is empty; agents remove what they still have. */
const SENTINELS = defineFeed("sentinels", [
  feedKind<never, NonNullable<SentinelState["state"]>>({
    resourceType: "sentinel",
    load: () => Promise.resolve(new Map<string, never>()),
    async *snapshot() {},
    convert: (row) => row,
    gone: (k8sName) => ({ case: "delete", value: { k8sName } }),
  }),
]);
