import type { MessageInitShape } from "@bufbuild/protobuf";
import { Health, type ReportSentinelStatusRequestSchema } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import type { Told } from "../control/reporter.ts";

export type SentinelReport = MessageInitShape<typeof ReportSentinelStatusRequestSchema>;

/** How a sentinel is. */
export interface SentinelStatus {
  /** None are wanted; some take requests; none does. */
  readonly health: "paused" | "healthy" | "unhealthy";
  readonly availableReplicas: number;
  /** host:port as seen inside the cluster. */
  readonly address: string;
}

const HEALTH: Record<SentinelStatus["health"], Health> = {
  paused: Health.PAUSED,
  healthy: Health.HEALTHY,
  unhealthy: Health.UNHEALTHY,
};

/** The message that tells how a sentinel is; one that is gone serves nobody. */
export function sentinelReport({ name, content, generation }: Told<SentinelStatus>): SentinelReport {
  return {
    k8sName: name,
    availableReplicas: content?.availableReplicas ?? 0,
    health: content === undefined ? Health.UNHEALTHY : HEALTH[content.health],
    address: content?.address ?? "",
    generation: BigInt(generation),
  };
}
