/** The routes of a deployment after its creation. Each one checks the body, calls a use case and builds the answer. */
import type { z } from "zod";
import { requireInProject } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireProject } from "../../internal/auth/project.ts";
import type { DeploymentView } from "../../internal/store/mod.ts";
import { cancelDeployment } from "../../services/deployment/cancel.ts";
import type { DeploymentDeps } from "../../services/deployment/deps.ts";
import { listDeployments } from "../../services/deployment/list.ts";
import { startDeployment } from "../../services/deployment/start.ts";
import { stopDeployment } from "../../services/deployment/stop.ts";
import { promote } from "../../services/deployment/promote.ts";
import { rollback } from "../../services/deployment/rollback.ts";
import type { Switched } from "../../services/deployment/switch.ts";
import { readBody } from "./body.ts";
import { type Answer, DEPLOYMENT_MISSING, ENVIRONMENT_MISSING, PROJECT_MISSING, saying } from "./deploy.ts";
import { deploymentBody, listDeploymentsBody, rollbackBody, stopBody } from "./schemas.ts";

export async function promoteRoute(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const { deploymentId } = await readBody(request, "/v2/deploy.promote", deploymentBody);
  const switched = await promote(deps, caller, deploymentId, request.signal)
    .catch(saying(DEPLOYMENT_MISSING));
  return { status: 200, data: switchData(switched) };
}

export async function rollbackRoute(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const body = await readBody(request, "/v2/deploy.rollback", rollbackBody);
  const order = decodeRollback(body);
  const byProject = order.sourceId === "" && order.targetId === "";
  if (byProject) {
    await requireProject(deps, caller, { id: order.projectId, action: "rollback_deployment" })
      .catch(saying(PROJECT_MISSING));
  }
  const switched = await rollback(deps, caller, order, request.signal)
    .catch(byProject ? saying(ENVIRONMENT_MISSING, "environment_not_found") : saying(DEPLOYMENT_MISSING));
  return { status: 200, data: switchData(switched) };
}

export async function cancelRoute(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const { deploymentId } = await readBody(request, "/v2/deploy.cancel", deploymentBody);
  const { status, rolledBack } = await cancelDeployment(deps, caller, deploymentId, request.signal)
    .catch(saying(DEPLOYMENT_MISSING));
  const data = { status: status.toUpperCase(), ...(rolledBack && { rolledBack: switchData(rolledBack) }) };
  return { status: 200, data };
}

export async function stopRoute(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const { deploymentId, confirmed = false } = await readBody(request, "/v2/deploy.stop", stopBody);
  await stopDeployment(deps, caller, { deploymentId, confirmed }, request.signal).catch(
    saying(DEPLOYMENT_MISSING),
  );
  return { status: 200, data: { status: "STOPPED" } };
}

export async function startRoute(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const { deploymentId } = await readBody(request, "/v2/deploy.start", deploymentBody);
  const { hostnames, tookMs } = await startDeployment(deps, caller, deploymentId, request.signal)
    .catch(saying(DEPLOYMENT_MISSING));
  return { status: 200, data: { status: "READY", hostnames, tookMs } };
}

export async function listDeploymentsRoute(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const body = await readBody(request, "/v2/deploy.listDeployments", listDeploymentsBody);
  const { projectId = "", environmentSlug = "", limit = 0, cursor = "" } = body;
  if (projectId !== "") requireInProject(caller, "read_deployment", projectId);
  const page = { projectId, environmentSlug, pageSize: limit, pageToken: cursor };
  const { deployments, nextPageToken } = await listDeployments(deps, caller, page)
    .catch(saying(PROJECT_MISSING));
  const next = nextPageToken === "" ? {} : { cursor: nextPageToken };
  return { status: 200, data: { deployments: deployments.map(listed), ...next } };
}

function decodeRollback(body: z.infer<typeof rollbackBody>) {
  return {
    sourceId: body.sourceDeploymentId ?? "",
    targetId: body.targetDeploymentId ?? "",
    projectId: body.projectId ?? "",
    environmentSlug: body.environmentSlug ?? "",
  };
}

function switchData(switched: Switched): Readonly<Record<string, unknown>> {
  return {
    projectSlug: switched.projectSlug,
    environmentSlug: switched.environmentSlug,
    ...(switched.fromId === "" ? {} : { fromDeploymentId: switched.fromId }),
    toDeploymentId: switched.toId,
    path: switched.path.toUpperCase(),
    rolledBack: switched.rolledBack,
    hostnames: switched.hostnames,
    tookMs: switched.tookMs,
  };
}

function listed(deployment: DeploymentView): Readonly<Record<string, unknown>> {
  return {
    id: deployment.id,
    status: deployment.status.toUpperCase(),
    live: deployment.live,
    projectId: deployment.projectId,
    environmentSlug: deployment.environmentSlug,
    branch: deployment.gitBranch,
    hostnames: deployment.hostnames,
    createdAt: deployment.createdAt,
    ...(deployment.errorMessage === "" ? {} : { errorMessage: deployment.errorMessage }),
  };
}
