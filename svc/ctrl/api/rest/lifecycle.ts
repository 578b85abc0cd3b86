/** The routes of a deployment after its creation. */
import { z } from "zod";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { requireInProject } from "../../internal/auth/permissions.ts";
import type { DeploymentView } from "../../internal/store/mod.ts";
import { cancelDeployment } from "../../services/deployment/cancel.ts";
import { endBranch } from "../../services/deployment/end_branch.ts";
import { listDeployments } from "../../services/deployment/list.ts";
import { startDeployment } from "../../services/deployment/start.ts";
import { stopDeployment } from "../../services/deployment/stop.ts";
import { DEPLOYMENT_MISSING, ENVIRONMENT_MISSING, PROJECT_MISSING, saying } from "./deploy.ts";
import { CREATED_AT, DEPLOYMENT, EARLIER_DEPLOYMENT, PROJECT } from "./examples.ts";
import { answer, defineRoute, ok } from "./route.ts";
import { deploymentBody, endBranchBody, listDeploymentsBody, stopBody } from "./schemas.ts";
import { count, listedShape, shownStatus, statusShape, switchShape } from "./shapes.ts";
import { switchData } from "./switches.ts";

export const cancelRoute = defineRoute({
  name: "cancel",
  tag: "Deployments",
  summary: "Ends a deploy that is under way; of a live deployment, moves its traffic back to the one before.",
  rpc: DeploymentService.method.cancelDeployment,
  body: deploymentBody,
  example: { deploymentId: DEPLOYMENT },
  answers: {
    200: answer(
      "The status at the call; the end comes as an event.",
      z.object({ status: statusShape, rolledBack: switchShape.optional() }),
      { status: "BUILDING" },
    ),
  },
  problems: [404, 412],
  async run({ deps: { deployment: deps }, caller, body: { deploymentId }, signal }) {
    const { status, rolledBack } = await cancelDeployment(deps, caller, deploymentId, signal)
      .catch(saying(DEPLOYMENT_MISSING));
    const data = {
      status: shownStatus(status),
      ...(rolledBack === undefined ? {} : { rolledBack: switchData(rolledBack) }),
    };
    return ok(data);
  },
});

export const stopRoute = defineRoute({
  name: "stop",
  tag: "Deployments",
  summary: "Stops a deployment. One that serves more than its own host name needs `confirmed`.",
  rpc: DeploymentService.method.stopDeployment,
  body: stopBody,
  example: { deploymentId: DEPLOYMENT },
  answers: {
    200: answer("It is stopped.", z.object({ status: z.literal("STOPPED") }), { status: "STOPPED" }),
  },
  problems: [404, 412],
  async run({ deps: { deployment: deps }, caller, body: { deploymentId, confirmed = false }, signal }) {
    await stopDeployment(deps, caller, { deploymentId, confirmed }, signal).catch(saying(DEPLOYMENT_MISSING));
    return ok({ status: "STOPPED" as const });
  },
});

export const startRoute = defineRoute({
  name: "start",
  tag: "Deployments",
  summary: "Starts a stopped deployment and answers when it runs, which can take minutes. No traffic moves.",
  rpc: DeploymentService.method.startDeployment,
  body: deploymentBody,
  example: { deploymentId: DEPLOYMENT },
  answers: {
    200: answer(
      "It runs.",
      z.object({ status: z.literal("READY"), hostnames: z.array(z.string()), tookMs: count }),
      { status: "READY", hostnames: ["shop-acme.example.com"], tookMs: 2_400 },
    ),
  },
  problems: [404, 412],
  async run({ deps: { deployment: deps }, caller, body: { deploymentId }, signal }) {
    const { hostnames, tookMs } = await startDeployment(deps, caller, deploymentId, signal)
      .catch(saying(DEPLOYMENT_MISSING));
    return ok({ status: "READY" as const, hostnames: [...hostnames], tookMs });
  },
});

export const listDeploymentsRoute = defineRoute({
  name: "listDeployments",
  tag: "Deployments",
  summary: "Lists deployments, newest first, in pages: the next page begins at the answer's `cursor`.",
  rpc: DeploymentService.method.listDeployments,
  body: listDeploymentsBody,
  example: { projectId: PROJECT, environmentSlug: "production", limit: 20 },
  answers: {
    200: answer(
      "One page. Without `cursor` it is the last one.",
      z.object({ deployments: z.array(listedShape), cursor: z.string().optional() }),
      {
        deployments: [{
          id: DEPLOYMENT,
          status: "READY",
          live: true,
          projectId: PROJECT,
          environmentSlug: "production",
          branch: "main",
          hostnames: ["shop-acme.example.com"],
          createdAt: CREATED_AT,
        }],
      },
    ),
  },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body }) {
    const { projectId = "", environmentSlug = "", limit = 0, cursor = "" } = body;
    if (projectId !== "") requireInProject(caller, "read_deployment", projectId);
    const page = { projectId, environmentSlug, pageSize: limit, pageToken: cursor };
    const { deployments, nextPageToken } = await listDeployments(deps, caller, page)
      .catch(saying(PROJECT_MISSING));
    const next = nextPageToken === "" ? {} : { cursor: nextPageToken };
    return ok({ deployments: deployments.map(listed), ...next });
  },
});

export const endBranchRoute = defineRoute({
  name: "endBranch",
  tag: "Deployments",
  summary: "Ends what was deployed from a branch that is gone. Whatever production serves goes on.",
  rpc: DeploymentService.method.endBranch,
  body: endBranchBody,
  example: { projectId: PROJECT, branch: "feature/cart" },
  answers: {
    200: answer(
      "The ids of deployments that ended.",
      z.object({
        stoppedDeploymentIds: z.array(z.string()),
        cancelledDeploymentIds: z.array(z.string()),
      }),
      { stoppedDeploymentIds: [EARLIER_DEPLOYMENT], cancelledDeploymentIds: [] },
    ),
  },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body: { environmentSlug = "", ...body }, signal }) {
    const ended = await endBranch(deps, caller, { ...body, environmentSlug }, signal)
      .catch(saying(ENVIRONMENT_MISSING, "environment_not_found"));
    return ok({ stoppedDeploymentIds: [...ended.stopped], cancelledDeploymentIds: [...ended.cancelled] });
  },
});

function listed(deployment: DeploymentView): z.infer<typeof listedShape> {
  return {
    id: deployment.id,
    status: shownStatus(deployment.status),
    live: deployment.live,
    projectId: deployment.projectId,
    environmentSlug: deployment.environmentSlug,
    branch: deployment.gitBranch,
    hostnames: [...deployment.hostnames],
    createdAt: deployment.createdAt,
    ...(deployment.errorMessage === "" ? {} : { errorMessage: deployment.errorMessage }),
  };
}
