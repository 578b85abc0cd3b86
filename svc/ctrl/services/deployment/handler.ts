import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type BuildSettings,
  type CreateDeploymentRequest,
  DeploymentService,
  type GetDeploymentResponse,
  GetDeploymentResponseSchema,
  type RollbackRequest as WireRollback,
} from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { principalOf, type RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { decodeApp } from "../../internal/deployments/app/wire.ts";
import { urlOf } from "../../internal/deployments/urls.ts";
import type { DeploymentView } from "../../internal/store/mod.ts";
import { NO_OPTIONS, type RequestedBuild } from "./build_settings.ts";
import { cancelDeployment } from "./cancel.ts";
import { createDeployment } from "./create.ts";
import type { CreateRequest, RequestedSource } from "./create_request.ts";
import { createRun } from "./create_run.ts";
import { createUpload } from "./create_upload.ts";
import { encodeTrace, getDeploymentTrace } from "./get_trace.ts";
import { encodeTraffic, getTraffic } from "./get_traffic.ts";
import { endBranch } from "./end_branch.ts";
import type { DeploymentDeps } from "./deps.ts";
import { encodeDeployment, encodeLog, encodeStatus, encodeWatched } from "./encode.ts";
import { encodeInstance } from "./encode_instance.ts";
import { encodePlan, encodeSwitched } from "./encode_switch.ts";
import { requireDeployment } from "./find.ts";
import { gradualHandlers } from "./gradual_handler.ts";
import type { RequestedGradual } from "./gradual_settings.ts";
import { listDeployments } from "./list.ts";
import { encodeInstanceEvent, listDeploymentInstanceEvents } from "./list_instance_events.ts";
import { encodeTrafficSwitch, listTrafficSwitches } from "./list_switches.ts";
import { listDeploymentInstances } from "./list_instances.ts";
import { encodeFoundLine, searchLogs } from "./search_logs.ts";
import { encodeOneRun, encodeRuns } from "./encode_run.ts";
import { cancelRun, listRuns, requireRun } from "./runs.ts";
import { streamLogs } from "./stream_logs.ts";
import { startDeployment } from "./start.ts";
import { stopDeployment } from "./stop.ts";
import { planPromote, promote } from "./promote.ts";
import { planRollback, rollback, type RollbackRequest } from "./rollback.ts";
import { shownPlan } from "./switch_plan.ts";
import { watchEvents } from "./watch_events.ts";
import { watchWorkspace } from "./watch_workspace.ts";

/** Adapts the deployment use cases to `ctrl.v1.DeploymentService`: decode, call, encode. */
export function deploymentHandlers(deps: DeploymentDeps): ServiceImpl<typeof DeploymentService> {
  const answers = new WeakMap<DeploymentView, GetDeploymentResponse>();
  // A deployment that has not changed is the same object again, and with the same answer it is encoded once.
  const answerOf = (deployment: DeploymentView): GetDeploymentResponse => {
    const known = answers.get(deployment);
    if (known !== undefined) return known;
    const answer = create(GetDeploymentResponseSchema, {
      deployment: encodeDeployment(deployment, deps.edgeUrl),
    });
    answers.set(deployment, answer);
    return answer;
  };
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
      const { id, status } = await createDeployment(deps, callerOf(context), decodeCreate(request, context));
      return { deploymentId: id, status: encodeStatus(status) };
    },
    async getDeployment(request, context) {
      const lookUp = { id: request.deploymentId, action: "read_deployment" } as const;
      return answerOf(await requireDeployment(deps, callerOf(context), lookUp));
    },
    async listDeployments(request, context) {
      const { deployments, nextPageToken } = await listDeployments(deps, callerOf(context), request);
      return { deployments: deployments.map((each) => encodeDeployment(each, deps.edgeUrl)), nextPageToken };
    },
    async cancelDeployment(request, context) {
      const { deploymentId } = request;
      const { status, rolledBack } = await cancelDeployment(
        deps,
        callerOf(context),
        deploymentId,
        context.signal,
      );
      return {
        status: encodeStatus(status),
        ...(rolledBack === undefined ? {} : { rolledBack: encodeSwitched(rolledBack, deps.edgeUrl) }),
      };
    },
    async *watchDeploymentEvents(request, context) {
      const from = { deploymentId: request.deploymentId, afterSequence: Number(request.afterSequence) };
      const caller = callerOf(context);
      const events = () => watchEvents(deps, caller, from, context.signal);
      for await (const event of deps.streams.counted(caller.workspaceId, events)) yield encodeWatched(event);
    },
    async listInstances(request, context) {
      const instances = await listDeploymentInstances(deps, callerOf(context), request.deploymentId);
      return { instances: instances.map(encodeInstance) };
    },
    async listInstanceEvents(request, context) {
      const events = await listDeploymentInstanceEvents(deps, callerOf(context), request.deploymentId);
      return { events: events.map(encodeInstanceEvent) };
    },
    async *streamInstanceLogs(request, context) {
      const caller = callerOf(context);
      const logs = () => streamLogs(deps, caller, request, context.signal);
      for await (const log of deps.streams.counted(caller.workspaceId, logs)) yield encodeLog(log);
    },
    async searchLogs(request, context) {
      const caller = callerOf(context);
      const answer = await deps.streams.once(caller.workspaceId, () => searchLogs(deps, caller, request));
      return {
        lines: answer.lines.map(encodeFoundLine),
        cursor: answer.cursor,
        searchedSince: BigInt(answer.searchedSinceMs),
        deploymentsLeftOut: answer.deploymentsLeftOut,
      };
    },
    async rollback(request, context) {
      const switched = await rollback(deps, callerOf(context), decodeRollback(request), context.signal);
      return { switched: encodeSwitched(switched, deps.edgeUrl) };
    },
    async promote(request, context) {
      const target = request.targetDeploymentId;
      const switched = await promote(deps, callerOf(context), target, context.signal);
      return { switched: encodeSwitched(switched, deps.edgeUrl) };
    },
    async planRollback(request, context) {
      const plan = await planRollback(deps, callerOf(context), decodeRollback(request));
      return {
        plan: encodePlan(await shownPlan(deps, plan), deps.edgeUrl),
      };
    },
    async planPromote(request, context) {
      const plan = await planPromote(deps, callerOf(context), request.targetDeploymentId);
      return { plan: encodePlan(await shownPlan(deps, plan), deps.edgeUrl) };
    },
    async endBranch(request, context) {
      const { stopped, cancelled } = await endBranch(deps, callerOf(context), request, context.signal);
      return { stoppedDeploymentIds: [...stopped], cancelledDeploymentIds: [...cancelled] };
    },
    async getDeploymentTrace({ deploymentId }, context) {
      return { trace: encodeTrace(await getDeploymentTrace(deps, callerOf(context), deploymentId)) };
    },
    async getTraffic(request, context) {
      const wanted = { ...request, sinceSeconds: Number(request.sinceSeconds) };
      return encodeTraffic(await getTraffic(deps, callerOf(context), wanted));
    },
    async listSwitches(request, context) {
      const { switches, nextPageToken } = await listTrafficSwitches(deps, callerOf(context), request);
      return { switches: switches.map(encodeTrafficSwitch), nextPageToken };
    },
    ...gradualHandlers(deps),
    watchWorkspace(request, context) {
      const caller = callerOf(context);
      const messages = () => watchWorkspace(deps, caller, request, context.signal);
      return deps.streams.counted(caller.workspaceId, messages);
    },
    async createRun(request, context) {
      return { run: await encodeOneRun(deps.db.kysely, await createRun(deps, callerOf(context), request)) };
    },
    async getRun({ runId: id }, context) {
      const run = await requireRun(deps, callerOf(context), { id, action: "read_deployment" });
      return { run: await encodeOneRun(deps.db.kysely, run) };
    },
    async listRuns(request, context) {
      const { runs, nextPageToken } = await listRuns(deps, callerOf(context), request);
      return { runs: await encodeRuns(deps.db.kysely, runs), nextPageToken };
    },
    async cancelRun({ runId }, context) {
      return { run: await encodeOneRun(deps.db.kysely, await cancelRun(deps, callerOf(context), runId)) };
    },
    async stopDeployment({ deploymentId, confirmed }, context) {
      await stopDeployment(deps, callerOf(context), { deploymentId, confirmed }, context.signal);
      return { status: encodeStatus("stopped") };
    },
    async startDeployment(request, context) {
      const { deploymentId } = request;
      const { hostnames, tookMs } = await startDeployment(
        deps,
        callerOf(context),
        deploymentId,
        context.signal,
      );
      const urls = hostnames.map((hostname) => urlOf(deps.edgeUrl, hostname));
      return { status: encodeStatus("ready"), urls, tookMs: BigInt(tookMs) };
    },
  };
}

function callerOf(context: HandlerContext): RootKeyPrincipal {
  return principalOf(context.values, "root_key");
}

function decodeRollback(request: WireRollback): RollbackRequest {
  return {
    sourceId: request.sourceDeploymentId,
    targetId: request.targetDeploymentId,
    projectId: request.projectId,
    environmentSlug: request.environmentSlug,
  };
}

function decodeCreate(request: CreateDeploymentRequest, { requestHeader }: HandlerContext): CreateRequest {
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
    size: request.size,
    startSeconds: request.startSeconds,
    protocol: request.protocol,
    app: decodeApp(request.app),
    gradual: decodeGradual(request.gradual),
    redeployOf: request.redeployOf,
    trace: { traceParent: requestHeader.get("traceparent"), client: request.clientTrace },
  };
}

function decodeGradual(settings: CreateDeploymentRequest["gradual"]): RequestedGradual | undefined {
  if (settings === undefined) return undefined;
  const { steps, everyMs, sticky } = settings;
  return { steps, everyMs: Number(everyMs), sticky };
}

function decodeSource(source: CreateDeploymentRequest["source"]): RequestedSource | undefined {
  switch (source.case) {
    case "dockerImage":
      return { kind: "image", image: source.value };
    case "buildContext": {
      const { buildContextPath, dockerfilePath = "", dockerfile, settings } = source.value;
      const build = settings === undefined ? NO_OPTIONS : decodeBuild(settings);
      return { kind: "context", objectKey: buildContextPath, dockerfilePath, dockerfile, build };
    }
    default:
      return undefined;
  }
}

function decodeBuild(settings: BuildSettings): RequestedBuild {
  const { arguments: values, secrets, target, noCache, pull, platform, variableArguments } = settings;
  return {
    arguments: values,
    secrets: new Map(Object.entries(secrets)),
    target,
    noCache,
    pull,
    platform,
    variableArguments,
  };
}
