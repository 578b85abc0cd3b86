import type { ServiceImpl } from "@connectrpc/connect";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { streamClientOf } from "../../../../pkg/rpc/mod.ts";
import type { ClusterService } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { listDesiredDeployments, listDesiredSentinels } from "../../internal/store/mod.ts";
import { text } from "../../internal/validate/mod.ts";
import { acknowledge } from "./agent.ts";
import type { ClusterDeps } from "./deps.ts";
import { agentOf, regionOf, streamRegionOf } from "./region.ts";
import { createLogTaker } from "./report_logs.ts";
import { reportSentinelStatus } from "./report_sentinel.ts";
import { reportDeploymentStatus } from "./report_status.ts";
import { takeUsageReport } from "./report_usage.ts";
import { watchDeployments, watchSentinels } from "./watch.ts";

/** Adapts the agents' use cases to `ctrl.v1.ClusterService`: decode, call, encode. */
export function clusterHandlers(deps: ClusterDeps): ServiceImpl<typeof ClusterService> {
  const logs = createLogTaker(deps);
  return {
    watchDeployments(request, context) {
      const region = streamRegionOf(context, request.region);
      return watchDeployments(deps, { ...request, region }, streamClientOf(context));
    },
    watchSentinels(request, context) {
      const region = streamRegionOf(context, request.region);
      return watchSentinels(deps, { ...request, region }, streamClientOf(context));
    },
    async getDesiredDeploymentState({ deploymentId }, context) {
      const id = text("deployment_id", deploymentId, 128);
      const [row] = await listDesiredDeployments(deps.db.kysely, regionOf(context), [id]);
      if (row === undefined) {
        throw publicFault("not_found", `Deployment "${id}" is not placed in this region.`);
      }
      return { state: await deps.deployments.encode(row), version: BigInt(row.version) };
    },
    async getDesiredSentinelState({ sentinelId }, context) {
      const id = text("sentinel_id", sentinelId, 128);
      const [row] = await listDesiredSentinels(deps.db.kysely, regionOf(context), [id]);
      if (row === undefined) throw publicFault("not_found", `Sentinel "${id}" is not in this region.`);
      return { state: await deps.sentinels.encode(row), version: BigInt(row.version) };
    },
    async reportSentinelStatus(request, context) {
      const newer = await reportSentinelStatus(deps, regionOf(context), request);
      return { newerGeneration: BigInt(newer ?? 0) };
    },
    async reportDeploymentStatus(request, context) {
      const { newer, refused } = await reportDeploymentStatus(deps, agentOf(context), request);
      return { newerGeneration: BigInt(newer ?? 0), refusedAddresses: [...refused] };
    },
    async acknowledge(request, context) {
      await acknowledge(deps, { ...request, region: regionOf(context) });
      return {};
    },
    async reportInstanceLogs(request, context) {
      await logs.take(regionOf(context), request);
      return {};
    },
    async reportUsage(request, context) {
      await takeUsageReport(deps, regionOf(context), request);
      return {};
    },
  };
}
