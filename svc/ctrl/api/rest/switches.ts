/** The routes that move traffic, and those that plan it. */
import { z } from "zod";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireProject } from "../../internal/auth/project.ts";
import type { DeploymentView } from "../../internal/store/mod.ts";
import type { DeploymentDeps } from "../../services/deployment/deps.ts";
import { planPromote, promote } from "../../services/deployment/promote.ts";
import { planRollback, rollback, type RollbackRequest } from "../../services/deployment/rollback.ts";
import type { Switched } from "../../services/deployment/switch.ts";
import { type ShownPlan, shownPlan, type SwitchPlan } from "../../services/deployment/switch_plan.ts";
import { appBody, shownApp } from "./app_body.ts";
import { DEPLOYMENT_MISSING, ENVIRONMENT_MISSING, PROJECT_MISSING, saying } from "./deploy.ts";
import { DEPLOYMENT, EARLIER_DEPLOYMENT, PROJECT } from "./examples.ts";
import { named } from "./named.ts";
import { answer, defineRoute, ok } from "./route.ts";
import { deploymentBody, rollbackBody } from "./schemas.ts";
import { PATHS, sizeShape, switchShape } from "./shapes.ts";

const runSettingsShape = named("RunSettings", z.object({ app: appBody.optional(), size: sizeShape }));
const planShape = named(
  "SwitchPlan",
  switchShape.omit({ tookMs: true }).extend({
    fromSettings: runSettingsShape.optional(),
    toSettings: runSettingsShape,
  }),
  "Traffic that would move now, and what runs before and after.",
);

const NAMES = { projectSlug: "shop", environmentSlug: "production", hostnames: ["shop-acme.example.com"] };
const BACK = {
  ...NAMES,
  fromDeploymentId: DEPLOYMENT,
  toDeploymentId: EARLIER_DEPLOYMENT,
  path: "INSTANT",
  rolledBack: true,
} as const;
const FORTH = {
  ...BACK,
  fromDeploymentId: EARLIER_DEPLOYMENT,
  toDeploymentId: DEPLOYMENT,
  rolledBack: false,
};
const SIZE = { cpuMillicores: 256, memoryMib: 256, replicas: 1 };
const SETTINGS = { fromSettings: { size: SIZE }, toSettings: { size: SIZE } };

export const promoteRoute = defineRoute({
  name: "promote",
  tag: "Traffic",
  summary:
    "Makes a deployment the live one of its environment, and answers when the edges have taken it over.",
  rpc: DeploymentService.method.promote,
  body: deploymentBody,
  example: { deploymentId: DEPLOYMENT },
  answers: { 200: answer("The traffic has moved.", switchShape, { ...FORTH, tookMs: 180 }) },
  problems: [404, 412],
  async run({ deps: { deployment: deps }, caller, body: { deploymentId }, signal }) {
    const switched = await promote(deps, caller, deploymentId, signal).catch(saying(DEPLOYMENT_MISSING));
    return ok(switchData(switched));
  },
});

export const rollbackRoute = defineRoute({
  name: "rollback",
  tag: "Traffic",
  summary: "Moves an environment's traffic back: to a deployment, or to the one that was live before.",
  rpc: DeploymentService.method.rollback,
  body: rollbackBody,
  example: { projectId: PROJECT, environmentSlug: "production" },
  answers: { 200: answer("The traffic has moved.", switchShape, { ...BACK, tookMs: 180 }) },
  problems: [404, 412],
  async run({ deps: { deployment: deps }, caller, body, signal }) {
    const { order, missing } = await decodeRollback(deps, caller, body);
    const switched = await rollback(deps, caller, order, signal).catch(missing);
    return ok(switchData(switched));
  },
});

export const planPromoteRoute = defineRoute({
  name: "planPromote",
  tag: "Traffic",
  summary: "Says what a promote would move. Nothing is changed.",
  rpc: DeploymentService.method.planPromote,
  body: deploymentBody,
  example: { deploymentId: DEPLOYMENT },
  answers: { 200: answer("What would move.", planShape, { ...FORTH, ...SETTINGS }) },
  problems: [404, 412],
  async run({ deps: { deployment: deps }, caller, body: { deploymentId } }) {
    const plan = await planPromote(deps, caller, deploymentId).catch(saying(DEPLOYMENT_MISSING));
    return ok(await planData(deps, plan));
  },
});

export const planRollbackRoute = defineRoute({
  name: "planRollback",
  tag: "Traffic",
  summary: "Says what a rollback would move. Nothing is changed.",
  rpc: DeploymentService.method.planRollback,
  body: rollbackBody,
  example: { projectId: PROJECT, environmentSlug: "production" },
  answers: { 200: answer("What would move.", planShape, { ...BACK, ...SETTINGS }) },
  problems: [404, 412],
  async run({ deps: { deployment: deps }, caller, body }) {
    const { order, missing } = await decodeRollback(deps, caller, body);
    const plan = await planRollback(deps, caller, order).catch(missing);
    return ok(await planData(deps, plan));
  },
});

/** The rollback, and the fault of a missing object: a deployment, or else the environment, as the body names it. */
async function decodeRollback(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  { sourceDeploymentId: sourceId = "", targetDeploymentId: targetId = "", ...body }: z.infer<
    typeof rollbackBody
  >,
): Promise<{ readonly order: RollbackRequest; readonly missing: ReturnType<typeof saying> }> {
  const { projectId = "", environmentSlug = "" } = body;
  const order = { sourceId, targetId, projectId, environmentSlug };
  if (sourceId !== "" || targetId !== "") return { order, missing: saying(DEPLOYMENT_MISSING) };
  await requireProject(deps, caller, { id: projectId, action: "rollback_deployment" })
    .catch(saying(PROJECT_MISSING));
  return { order, missing: saying(ENVIRONMENT_MISSING, "environment_not_found") };
}

/** A switch as it is answered. */
export function switchData(switched: Switched): z.infer<typeof switchShape> {
  return {
    projectSlug: switched.projectSlug,
    environmentSlug: switched.environmentSlug,
    ...(switched.fromId === "" ? {} : { fromDeploymentId: switched.fromId }),
    toDeploymentId: switched.toId,
    path: PATHS[switched.path],
    rolledBack: switched.rolledBack,
    hostnames: [...switched.hostnames],
    tookMs: switched.tookMs,
  };
}

async function planData(deps: DeploymentDeps, planned: SwitchPlan): Promise<z.infer<typeof planShape>> {
  const plan: ShownPlan = await shownPlan(deps, planned);
  const { liveDeploymentId } = plan.environment;
  return {
    projectSlug: plan.target.projectSlug,
    environmentSlug: plan.target.environmentSlug,
    ...(liveDeploymentId === undefined ? {} : { fromDeploymentId: liveDeploymentId }),
    toDeploymentId: plan.target.id,
    path: PATHS[plan.path],
    rolledBack: plan.rolledBack,
    hostnames: [...plan.hostnames],
    ...(plan.from === undefined ? {} : { fromSettings: runSettings(plan.from) }),
    toSettings: runSettings(plan.target),
  };
}

function runSettings(
  { app, cpuMillicores, memoryMib, replicas }: DeploymentView,
): z.infer<typeof runSettingsShape> {
  return {
    ...(Object.keys(app).length === 0 ? {} : { app: shownApp(app) }),
    size: { cpuMillicores, memoryMib, replicas },
  };
}
