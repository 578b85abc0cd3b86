import { parseId } from "../../../../pkg/uid/mod.ts";
import type { ReportUsageRequest } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { recordLoads } from "../../internal/store/mod.ts";
import { invalid, key } from "../../internal/validate/mod.ts";
import type { ClusterDeps } from "./deps.ts";

const DEPLOYMENTS_MAX = 10_000;
const INSTANCES_MAX = 1_000;
const MILLICORES_MAX = 10n ** 9n;

/** Keeps the CPU that a region's deployments use, in the place of the region's former report. @throws `invalid_argument` */
export async function takeUsageReport(
  { db, clock }: Pick<ClusterDeps, "db" | "clock">,
  region: string,
  { agentId, deployments }: ReportUsageRequest,
): Promise<void> {
  key("agent_id", agentId, 63);
  if (deployments.length > DEPLOYMENTS_MAX) {
    throw invalid("deployments", `must be at most ${DEPLOYMENTS_MAX}`);
  }
  const loads = deployments.map(({ deploymentId, cpuMillicores, instances }) => {
    if (cpuMillicores < 0n || cpuMillicores > MILLICORES_MAX) {
      throw invalid("deployments.cpu_millicores", `must be between 0 and ${MILLICORES_MAX}`);
    }
    if (instances < 0 || instances > INSTANCES_MAX) {
      throw invalid("deployments.instances", `must be between 0 and ${INSTANCES_MAX}`);
    }
    return {
      deploymentId: parseId("deployment", "deployments.deployment_id", deploymentId),
      region,
      value: Number(cpuMillicores),
      instances,
    };
  });
  await recordLoads(db.kysely, {
    reporter: `agent:${region}`,
    kind: "agent",
    source: region,
    reportedAtMs: clock.now(),
    loads,
  });
}
