import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type CreateDeploymentRequest,
  DeploymentService,
} from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { principalOf, type RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { cancelDeployment } from "./cancel.ts";
import { createDeployment } from "./create.ts";
import type { CreateRequest, RequestedSource } from "./create_request.ts";
import { createUpload } from "./create_upload.ts";
import type { DeploymentDeps } from "./deps.ts";
import { encodeDeployment, encodeLog, encodeStatus, encodeWatched } from "./encode.ts";
import { requireDeployment } from "./find.ts";
import { listDeployments } from "./list.ts";
import { streamLogs } from "./stream_logs.ts";
import { promote, rollback } from "./switch.ts";
import { watchEvents } from "./watch_events.ts";

/** Adapts the deployment use cases to `ctrl.v1.DeploymentService`: decode, call, encode. */
export function deploymentHandlers(deps: DeploymentDeps): ServiceImpl<typeof DeploymentService> {
  return {
    async createS3UploadURL(request, context) {
      const upload = await createUpload(deps, callerOf(context), {
        projectId: request.unkeyProjectId,
        sizeBytes: Number(request.sizeBytes),
        checksumSha256: request.checksumSha256,
      });
      return {
        uploadUrl: upload.url,
        buildContextPath: upload.objectKey,
        headers: { ...upload.headers },
        expiresAt: BigInt(upload.urlExpiresAt),
        alreadyStored: upload.alreadyStored,
      };
    },
    async createDeployment(request, context) {
      const { id, status } = await createDeployment(deps, callerOf(context), decodeCreate(request));
      return { deploymentId: id, status: encodeStatus(status) };
    },
    async getDeployment(request, context) {
      const lookUp = { id: request.deploymentId, action: "read_deployment" } as const;
      const deployment = await requireDeployment(deps, callerOf(context), lookUp);
      return { deployment: encodeDeployment(deployment, deps.edgeUrl) };
    },
    async listDeployments(request, context) {
      const { deployments, nextPageToken } = await listDeployments(deps, callerOf(context), request);
      return { deployments: deployments.map((each) => encodeDeployment(each, deps.edgeUrl)), nextPageToken };
    },
    async cancelDeployment(request, context) {
      const status = await cancelDeployment(deps, callerOf(context), request.deploymentId, context.signal);
      return { status: encodeStatus(status) };
    },
    async *watchDeploymentEvents(request, context) {
      const from = { deploymentId: request.deploymentId, afterSequence: Number(request.afterSequence) };
      for await (const event of watchEvents(deps, callerOf(context), from, context.signal)) {
        yield encodeWatched(event);
      }
    },
    async *streamInstanceLogs(request, context) {
      for await (const log of streamLogs(deps, callerOf(context), request, context.signal)) {
        yield encodeLog(log);
      }
    },
    async rollback(request, context) {
      const ids = { sourceId: request.sourceDeploymentId, targetId: request.targetDeploymentId };
      await rollback(deps, callerOf(context), ids, context.signal);
      return {};
    },
    async promote(request, context) {
      await promote(deps, callerOf(context), request.targetDeploymentId, context.signal);
      return {};
    },
  };
}

function callerOf(context: HandlerContext): RootKeyPrincipal {
  return principalOf(context.values, "root_key");
}

function decodeCreate(request: CreateDeploymentRequest): CreateRequest {
  const { gitCommit: git } = request;
  return {
    projectId: request.projectId,
    environmentSlug: request.environmentSlug,
    branch: request.branch,
    source: decodeSource(request.source),
    git: git === undefined ? undefined : { ...git, timestampMs: Number(git.timestamp) },
    command: request.command,
    idempotencyKey: request.idempotencyKey,
    port: request.port,
    healthCheckPath: request.healthCheckPath,
    redeployOf: request.redeployOf,
  };
}

function decodeSource(source: CreateDeploymentRequest["source"]): RequestedSource | undefined {
  switch (source.case) {
    case "dockerImage":
      return { kind: "image", image: source.value };
    case "buildContext": {
      const { buildContextPath, dockerfilePath = "" } = source.value;
      return { kind: "context", objectKey: buildContextPath, dockerfilePath };
    }
    default:
      return undefined;
  }
}
