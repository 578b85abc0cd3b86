import {
  ClusterService,
  type DeploymentState,
  type SentinelState,
} from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import { createRpcClient, fromConnectError } from "../../pkg/rpc/mod.ts";
import type { KraneConfig } from "./config.ts";
import type { DeploymentReport } from "./internal/deployment/report.ts";
import type { SentinelReport } from "./internal/sentinel/report.ts";
import type { LogBatch } from "./internal/logs/shipper.ts";
import type { Acknowledgement } from "./internal/watch/acknowledger.ts";

/** The calls that the agent makes; each throws faults only. */
export interface ControlPlane {
  watch(versionLastSeen: number, signal: AbortSignal): AsyncIterable<DeploymentState>;
  watchSentinels(versionLastSeen: number, signal: AbortSignal): AsyncIterable<SentinelState>;
  reportSentinel(report: SentinelReport, signal: AbortSignal): Promise<void>;
  report(report: DeploymentReport, signal: AbortSignal): Promise<void>;
  acknowledge(message: Acknowledgement, signal: AbortSignal): Promise<void>;
  shipLogs(batch: LogBatch, signal: AbortSignal): Promise<void>;
}

const CALL_MS_MAX = 10_000;

/** The control plane of a region's agent over Connect. */
export function connectControlPlane(config: KraneConfig, agentId: string): ControlPlane {
  const { region } = config;
  const client = createRpcClient(ClusterService, {
    baseUrl: config.controlPlaneUrl,
    token: config.controlPlaneBearer,
    timeoutMs: CALL_MS_MAX,
    headers: { "x-krane-region": region },
  });
  return {
    async *watch(versionLastSeen, signal) {
      try {
        const request = { region, versionLastSeen: BigInt(versionLastSeen), agentId };
        yield* client.watchDeployments(request, { signal });
      } catch (error) {
        throw fromConnectError(error);
      }
    },
    async *watchSentinels(versionLastSeen, signal) {
      try {
        const request = { region, versionLastSeen: BigInt(versionLastSeen), agentId };
        yield* client.watchSentinels(request, { signal });
      } catch (error) {
        throw fromConnectError(error);
      }
    },
    reportSentinel: (report, signal) => settle(client.reportSentinelStatus(report, { signal })),
    report: (report, signal) => settle(client.reportDeploymentStatus(report, { signal })),
    acknowledge: (message, signal) => settle(client.acknowledge(message, { signal })),
    shipLogs: (batch, signal) => settle(client.reportInstanceLogs(batch, { signal })),
  };
}

async function settle(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    throw fromConnectError(error);
  }
}
