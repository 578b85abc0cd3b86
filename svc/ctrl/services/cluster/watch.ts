import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  DeploymentStateSchema,
  FeedHeartbeatSchema,
  SentinelStateSchema,
} from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { StreamClient } from "../../../../pkg/rpc/mod.ts";
import type { TrackedStream } from "../../internal/agents/mod.ts";
import { type FeedEvent, sharedMessages, type WatchOptions } from "../../internal/changes/mod.ts";
import { version } from "../../internal/validate/mod.ts";
import { agentKey } from "./agent.ts";
import type { DeploymentMessage } from "./deployment_feed.ts";
import type { ClusterDeps } from "./deps.ts";
import type { SentinelMessage } from "./sentinel_feed.ts";

export interface AgentWatch {
  readonly region: string;
  /** Empty for clients of the original protocol. */
  readonly agentId: string;
  /** 0 asks for a snapshot. */
  readonly versionLastSeen: bigint;
}

type DeploymentState = MessageInitShape<typeof DeploymentStateSchema>;
type SentinelState = MessageInitShape<typeof SentinelStateSchema>;

/** The region's desired deployments: a snapshot, then changes, until `signal` aborts. */
export function watchDeployments(
  deps: ClusterDeps,
  watch: AgentWatch,
  { signal, sendNow }: StreamClient,
): AsyncIterable<DeploymentState> {
  const { feed, original } = deps.deployments;
  if (isOriginal(watch)) {
    const states = deps.hub.watch(original, begin(watch, signal), { toMessage: deploymentState });
    return tracked(deps, watch, states, (stream, { version }) => stream.delivered(Number(version)));
  }
  introduce(deps, watch);
  return deps.hub.watch(feed, begin(watch, signal), { toMessage: deploymentState, sendNow });
}

/** The same for sentinels. */
export function watchSentinels(
  deps: ClusterDeps,
  watch: AgentWatch,
  { signal, sendNow }: StreamClient,
): AsyncIterable<SentinelState> {
  const { feed, original } = deps.sentinels;
  if (isOriginal(watch)) {
    return tracked(
      deps,
      watch,
      deps.hub.watch(original, begin(watch, signal), { toMessage: sentinelState }),
    );
  }
  introduce(deps, watch);
  return deps.hub.watch(feed, begin(watch, signal), { toMessage: sentinelState, sendNow });
}

/**
 * A client of the original protocol sends no agent id and no acknowledgements. It takes the next state only when it has
 * applied the one before, so its stream counts as both.
 */
async function* tracked<T>(
  { agents }: ClusterDeps,
  { region }: AgentWatch,
  states: AsyncIterable<T>,
  taken?: (stream: TrackedStream, state: T) => void,
): AsyncGenerator<T> {
  const stream = agents.trackStream({ agentId: `${region}:${NAMELESS}`, region });
  try {
    for await (const state of states) {
      yield state;
      taken?.(stream, state);
    }
  } finally {
    stream.end();
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

/** Registers the agent. Its progress comes with its acknowledgements. */
function introduce({ agents, log }: ClusterDeps, { region, agentId }: AgentWatch): void {
  agents.record({ agentId: agentKey(region, agentId), region }).catch((error: unknown) => {
    log.warn("the heartbeat of an agent was not written", { region, error: describeError(error) });
  });
}

/** Only the original protocol has no agent ids: clients of the new one must send theirs. */
function isOriginal({ agentId }: AgentWatch): boolean {
  return agentId === "";
}

/** Agent id shown for clients that send none. */
const NAMELESS = "(unnamed)";

type Marker =
  | { case: "problem"; value: { resourceId: string; message: string } }
  | { case: "snapshotEnd"; value: { resources: number } }
  | { case: "heartbeat"; value: MessageInitShape<typeof FeedHeartbeatSchema> };

/** Events that are no state: the same in both streams. */
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
