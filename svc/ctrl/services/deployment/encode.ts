/** Turns what the use cases return into messages of `ctrl.v1`. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type DeploymentEventSchema,
  type DeploymentSchema,
  DeploymentStatus as Wire,
  type StreamInstanceLogsResponseSchema,
  type WatchDeploymentEventsResponseSchema,
} from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { encodeApp } from "../../internal/deployments/app/wire.ts";
import type { DeploymentEventPayload } from "../../internal/deployments/events.ts";
import { queueText } from "../../internal/deployments/queue.ts";
import type { DeploymentStatus, FailureDetails } from "../../internal/deployments/status.ts";
import { encodeStop } from "../../internal/deployments/encode_stop.ts";
import { urlOf } from "../../internal/deployments/urls.ts";
import type { DeploymentView } from "../../internal/store/mod.ts";
import type { StreamedLog } from "./stream_logs.ts";
import type { WatchedEvent } from "./watch_events.ts";

const STATUS: Record<DeploymentStatus, Wire> = {
  pending: Wire.PENDING,
  queued: Wire.QUEUED,
  building: Wire.BUILDING,
  deploying: Wire.DEPLOYING,
  network: Wire.NETWORK,
  ready: Wire.READY,
  failed: Wire.FAILED,
  cancelled: Wire.CANCELLED,
  superseded: Wire.SUPERSEDED,
  stopped: Wire.STOPPED,
};

export function encodeStatus(status: DeploymentStatus): Wire {
  return STATUS[status];
}

/** The deployment as a message. Values of environment variables are never read back. */
export function encodeDeployment(
  view: DeploymentView,
  edgeUrl: string,
): MessageInitShape<typeof DeploymentSchema> {
  const started = view.regions.filter((each) => each.started);
  const isAsleep = view.sleep?.isWaking === false;
  return {
    id: view.id,
    workspaceId: view.workspaceId,
    projectId: view.projectId,
    projectSlug: view.projectSlug,
    environmentId: view.environmentId,
    environmentSlug: view.environmentSlug,
    gitCommitSha: view.gitCommitSha,
    gitBranch: view.gitBranch,
    gitCommitMessage: view.gitCommitMessage,
    gitCommitAuthorHandle: view.gitCommitAuthorHandle,
    gitCommitAuthorAvatarUrl: view.gitCommitAuthorAvatarUrl,
    gitCommitTimestamp: BigInt(view.gitCommitTimestamp),
    status: encodeStatus(view.status),
    errorMessage: view.errorMessage,
    failureCode: view.failureCode ?? "",
    ...(view.failureDetails === undefined ? {} : { failureDetails: encodeDetails(view.failureDetails) }),
    ...(view.stop === undefined ? {} : { stop: encodeStop(view.stop) }),
    stopsAt: BigInt(view.stopsAt ?? 0),
    ...(Object.keys(view.app).length === 0 ? {} : { app: encodeApp(view.app) }),
    topology: {
      cpuMillicores: view.cpuMillicores,
      memoryMib: view.memoryMib,
      regions: started.map(({ region, replicas }) => ({
        region,
        minInstances: replicas,
        maxInstances: replicas,
      })),
      idleTimeoutSeconds: 0,
      healthCheckPath: view.healthCheckPath,
      port: view.port,
    },
    createdAt: BigInt(view.createdAt),
    updatedAt: BigInt(view.updatedAt),
    hostnames: [...view.hostnames],
    protected: view.isProtected,
    urls: view.hostnames.map((hostname) => urlOf(edgeUrl, hostname)),
    rootfsImageId: view.image,
    imageRemoved: view.imageRemoved,
    buildId: view.buildId,
    redeployOf: view.redeployOf,
    imageSourceDeploymentId: view.imageSourceDeploymentId,
    scaledRegions: view.scaled.map(({ change, ...scaled }) => ({
      ...scaled,
      changedAt: BigInt(change?.atMs ?? 0),
      changedFrom: change?.from ?? 0,
      reason: change?.reason ?? "",
    })),
    steps: view.steps.map((step) => ({
      name: step.name,
      status: step.status,
      message: step.message,
      errorMessage: step.errorMessage,
      createdAt: BigInt(step.startedAt),
      endedAt: BigInt(step.endedAt ?? 0),
    })),
    ...encodeQueue(view.queue),
    live: view.live,
    environmentRolledBack: view.environmentRolledBack,
    environmentLiveDeploymentId: view.environmentLiveDeploymentId,
    asleepSince: BigInt(view.sleep?.sinceMs ?? 0),
    waking: view.sleep?.isWaking ?? false,
    desiredInstances: isAsleep ? 0 : started.reduce((sum, { replicas }) => sum + replicas, 0),
    runningInstances: view.runningInstances,
  };
}

function encodeDetails({ exitCode, source, origin, lines }: FailureDetails) {
  return { ...(exitCode === undefined ? {} : { exitCode }), source, origin, logLines: [...lines] };
}

function encodeQueue(queue: DeploymentView["queue"]) {
  if (queue === undefined) return {};
  const { ahead, running, queuedAt } = queue;
  return {
    queuePosition: ahead + 1,
    queueBlockerIds: running.map(({ id }) => id),
    queueBlocker: queueText(ahead, running),
    queuedAt: BigInt(queuedAt),
  };
}

export function encodeWatched(
  watched: WatchedEvent,
): MessageInitShape<typeof WatchDeploymentEventsResponseSchema> {
  if (watched.kind === "heartbeat") return { event: { case: "heartbeat", value: {} } };
  const { sequence, createdAtMs, payload } = watched.event;
  const value = {
    sequence: BigInt(sequence),
    createdAt: BigInt(createdAtMs),
    payload: encodePayload(payload),
  };
  return { event: { case: "deploymentEvent", value } };
}

type Payload = NonNullable<MessageInitShape<typeof DeploymentEventSchema>["payload"]>;

function encodePayload(payload: DeploymentEventPayload): Payload {
  switch (payload.kind) {
    case "status": {
      const { status, errorMessage = "", failureCode = "", urls = [] } = payload;
      return {
        case: "status",
        value: { status: encodeStatus(status), errorMessage, failureCode, urls: [...urls] },
      };
    }
    case "step":
      return {
        case: "step",
        value: { name: payload.name, status: payload.status, message: payload.message },
      };
    case "log":
      return {
        case: "log",
        value: { source: payload.source, origin: payload.origin, lines: [...payload.lines] },
      };
    case "notice":
      return { case: "notice", value: { message: payload.message } };
  }
}

export function encodeLog(log: StreamedLog): MessageInitShape<typeof StreamInstanceLogsResponseSchema> {
  if (log.kind === "heartbeat") return { message: { case: "heartbeat", value: {} } };
  const { instance, region, timeNs, stream, text } = log.line;
  const time = BigInt(timeNs) / 1_000_000n;
  return { message: { case: "line", value: { instance, region, time, stream, text } } };
}
