import {
  ClusterService,
  type DeploymentState,
  type SentinelState,
} from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import type { Logger } from "../../pkg/logger/mod.ts";
import { createRpcClient, fromConnectError } from "../../pkg/rpc/mod.ts";
import type { KraneConfig } from "./config.ts";
import type { DeploymentReport } from "./internal/deployment/report.ts";
import type { SentinelReport } from "./internal/sentinel/report.ts";
import type { DeploymentUsage } from "./internal/usage/reporter.ts";
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
  reportUsage(usages: readonly DeploymentUsage[], signal: AbortSignal): Promise<void>;
}

const CALL_MS_MAX = 10_000;

/** The control plane of a region's agent over Connect. */
export function connectControlPlane(
  config: KraneConfig,
  { agentId, request, log }: {
    readonly agentId: string;
    readonly request: typeof fetch;
    readonly log: Logger;
  },
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
    async report(report, signal) {
      const answer = await settle(client.reportDeploymentStatus(report, { signal }));
      for (const { k8sName: instance, address, message: reason } of answer.refusedAddresses) {
        log.warn("an instance gets no requests", { instance, address, reason });
      }
      return newerOf(answer);
    },
    acknowledge: async (message, signal) => void await settle(client.acknowledge(message, { signal })),
    shipLogs: async (batch, signal) => void await settle(client.reportInstanceLogs(batch, { signal })),
    async reportUsage(usages, signal) {
      const deployments = usages.map((each) => ({ ...each, cpuMillicores: BigInt(each.cpuMillicores) }));
      await settle(client.reportUsage({ agentId, deployments }, { signal }));
    },
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
