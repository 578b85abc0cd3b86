import { cutToBytes, invalid, key, version } from "../../internal/validate/mod.ts";
import type { ClusterDeps } from "./deps.ts";

const AGENT_ID_LENGTH_MAX = 63;
const RESULTS_MAX = 10_000;
const ERROR_BYTES_MAX = 1_000;

/** The key of an agent; it has the region, so that no region can report for another's agent. */
export function agentKey(region: string, agentId: string): string {
  return `${region}:${key("agent_id", agentId, AGENT_ID_LENGTH_MAX)}`;
}

export interface AgentProgress {
  readonly region: string;
  readonly agentId: string;
  readonly appliedVersion: bigint;
  readonly observedVersion: bigint;
  /** An empty error means applied. */
  readonly results: readonly { readonly resourceId: string; readonly error: string }[];
}

/** Records the progress and the last failure of an agent; counts as its heartbeat. */
export async function acknowledge(
  { agents }: Pick<ClusterDeps, "agents">,
  progress: AgentProgress,
): Promise<void> {
  const { region, results } = progress;
  if (results.length > RESULTS_MAX) throw invalid("results", `must be at most ${RESULTS_MAX}`);
  const nack = results.findLast(({ error }) => error !== "");
  await agents.record({
    agentId: agentKey(region, progress.agentId),
    region,
    progress: {
      appliedVersion: version("applied_version", progress.appliedVersion),
      observedVersion: version("observed_version", progress.observedVersion),
    },
    ...(nack === undefined ? {} : {
      nack: { resource: nack.resourceId.slice(0, 128), error: cutToBytes(nack.error, ERROR_BYTES_MAX) },
    }),
  });
}
