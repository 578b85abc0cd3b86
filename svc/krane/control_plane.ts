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
  /** The generation of a newer report that was taken before; `undefined` when this one was taken. */
  reportSentinel(report: SentinelReport, signal: AbortSignal): Promise<number | undefined>;
  report(report: DeploymentReport, signal: AbortSignal): Promise<number | undefined>;
  acknowledge(message: Acknowledgement, signal: AbortSignal): Promise<void>;
  shipLogs(batch: LogBatch, signal: AbortSignal): Promise<void>;
}

const CALL_MS_MAX = 10_000;

/** The control plane of a region's agent over Connect. */
export function connectControlPlane(
  config: KraneConfig,
  { agentId, request }: { readonly agentId: string; readonly request: typeof fetch },
): ControlPlane {
  const { region } = config;
  const client = createRpcClient(ClusterService, {
    baseUrl: config.controlPlaneUrl,
    token: config.controlPlaneBearer,
    timeoutMs: CALL_MS_MAX,
    headers: { "x-krane-region": region },
    fetch: request,
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
    reportSentinel: async (report, signal) =>
      newerOf(await settle(client.reportSentinelStatus(report, { signal }))),
    report: async (report, signal) =>
      newerOf(await settle(client.reportDeploymentStatus(report, { signal }))),
    acknowledge: async (message, signal) => void await settle(client.acknowledge(message, { signal })),
    shipLogs: async (batch, signal) => void await settle(client.reportInstanceLogs(batch, { signal })),
  };
}

function newerOf({ newerGeneration }: { readonly newerGeneration: bigint }): number | undefined {
  return newerGeneration === 0n ? undefined : Number(newerGeneration);
}

async function settle<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw fromConnectError(error);
  }
}
