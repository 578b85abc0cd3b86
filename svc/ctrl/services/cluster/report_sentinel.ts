import { Health, type ReportSentinelStatusRequest } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { reportSentinel, sentinelGeneration, type SentinelsTable } from "../../internal/store/mod.ts";
import { hostPort, invalid, key, version } from "../../internal/validate/mod.ts";
import type { ClusterDeps } from "./deps.ts";

const NAME_LENGTH_MAX = 63;
const REPLICAS_MAX = 10_000;

const HEALTH: Record<Health, SentinelsTable["health"]> = {
  [Health.UNSPECIFIED]: "unknown",
  [Health.HEALTHY]: "healthy",
  [Health.UNHEALTHY]: "unhealthy",
  [Health.PAUSED]: "paused",
};

/**
 * Stores the state of a sentinel of the region. A report about a sentinel that the region does not have, and one older
 * than the last, are a success that changes nothing: an agent that still sees an old one must not be stopped by it. The generation of
 * the report that was taken instead is returned.
 *
 * @throws `invalid_argument`
 */
export async function reportSentinelStatus(
  { db, clock }: Pick<ClusterDeps, "db" | "clock">,
  region: string,
  request: ReportSentinelStatusRequest,
): Promise<number | undefined> {
  const { availableReplicas, address } = request;
  if (availableReplicas < 0 || availableReplicas > REPLICAS_MAX) {
    throw invalid("available_replicas", `must be between 0 and ${REPLICAS_MAX}`, String(availableReplicas));
  }
  const isTaken = await reportSentinel(db.kysely, {
    k8sName: key("k8s_name", request.k8sName, NAME_LENGTH_MAX),
    region,
    // This program does not know the health values of newer agents.
    health: HEALTH[request.health] ?? "unknown",
    availableReplicas,
    address: address === "" ? "" : hostPort("address", address),
    generation: version("generation", request.generation),
    nowMs: clock.now(),
  });
  return isTaken ? undefined : await sentinelGeneration(db.kysely, request.k8sName, region);
}
