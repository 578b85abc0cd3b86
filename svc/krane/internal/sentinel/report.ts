import type { MessageInitShape } from "@bufbuild/protobuf";
import { Health, type ReportSentinelStatusRequestSchema } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import type { Report } from "../control/reporter.ts";

export type SentinelReport = MessageInitShape<typeof ReportSentinelStatusRequestSchema>;

export interface SentinelStatus {
  /** Paused: no replicas are wanted. Healthy: some take requests. */
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

/** A sentinel without content was removed: it is reported as unhealthy. */
export function sentinelReport({ name, content, generation }: Report<SentinelStatus>): SentinelReport {
  return {
    k8sName: name,
    availableReplicas: content?.availableReplicas ?? 0,
    health: content === undefined ? Health.UNHEALTHY : HEALTH[content.health],
    address: content?.address ?? "",
    generation: BigInt(generation),
  };
}
