import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  DeploymentStateSchema,
  FeedHeartbeatSchema,
  SentinelStateSchema,
} from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Attendance } from "../../internal/agents/mod.ts";
import { type FeedEvent, sharedMessages, type WatchOptions } from "../../internal/changes/mod.ts";
import { version } from "../../internal/validate/mod.ts";
import { agentKey } from "./agent.ts";
import type { DeploymentMessage } from "./deployment_feed.ts";
import type { ClusterDeps } from "./deps.ts";
import type { SentinelMessage } from "./sentinel_feed.ts";

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
  const attendance = attend(deps, watch);
  try {
    const feed = isOriginal(watch) ? deps.deployments.original : deps.deployments.feed;
    for await (const event of deps.hub.watch(feed, begin(watch, signal))) {
      yield deploymentState(event);
      attendance.delivered(event.version);
    }
  } finally {
    attendance.end();
  }
}

/** The same for sentinels. */
export async function* watchSentinels(
  deps: ClusterDeps,
  watch: AgentWatch,
  signal: AbortSignal,
): AsyncGenerator<SentinelState> {
  const attendance = attend(deps, watch);
  try {
    const feed = isOriginal(watch) ? deps.sentinels.original : deps.sentinels.feed;
    for await (const event of deps.hub.watch(feed, begin(watch, signal))) {
      yield sentinelState(event);
    }
  } finally {
    attendance.end();
  }
}

const deploymentState = sharedMessages((event: FeedEvent<DeploymentMessage>): DeploymentState => ({
  state: event.kind === "item" ? event.message : marker(event),
  version: BigInt(event.version),
}));

const sentinelState = sharedMessages((event: FeedEvent<SentinelMessage>): SentinelState => ({
  state: event.kind === "item" ? event.message : marker(event),
  version: BigInt(event.version),
}));

function begin({ region, versionLastSeen }: AgentWatch, signal: AbortSignal): WatchOptions {
  return { region, sinceVersion: version("version_last_seen", versionLastSeen), signal };
}

/**
 * Makes the agent known. One that says its name acknowledges by itself; a client of the original protocol does not, and
 * takes the next message only when it has applied the one before, so that its stream speaks for it.
 */
function attend({ agents, log }: ClusterDeps, watch: AgentWatch): Attendance {
  const { region, agentId } = watch;
  if (isOriginal(watch)) return agents.attend({ agentId: `${region}:${NAMELESS}`, region });
  agents.note({ agentId: agentKey(region, agentId), region }).catch((error: unknown) => {
    log.warn("an agent's sign of life was not written", { region, error: describeError(error) });
  });
  return { delivered: () => undefined, end: () => undefined };
}

/** The original protocol has no names of agents, and whoever knows the new one has to say its own. */
function isOriginal({ agentId }: AgentWatch): boolean {
  return agentId === "";
}

/** Shown for clients that do not say who they are. */
const NAMELESS = "(unnamed)";

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
