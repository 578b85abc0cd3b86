/** The routes of gradual switches. */
import { z } from "zod";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { requireInProject } from "../../internal/auth/permissions.ts";
import { lastEvidence, percentOf, stepsOf, type VersionEvidence } from "../../internal/gradual/mod.ts";
import type { GradualState } from "../../internal/store/mod.ts";
import {
  abortGradualSwitch,
  advanceGradualSwitch,
  beginGradualSwitch,
  listGraduals,
  requireGradual,
  type ShownGradual,
} from "../../services/deployment/gradual.ts";
import { DEPLOYMENT_MISSING, PROJECT_MISSING, requestedGradual, saying } from "./deploy.ts";
import { CREATED_AT, DEPLOYMENT, EARLIER_DEPLOYMENT, ENVIRONMENT, PROJECT } from "./examples.ts";
import { named } from "./named.ts";
import { answer, defineRoute, ok } from "./route.ts";
import { beginGradualSwitchBody, gradualSwitchBody, listGradualSwitchesBody } from "./schemas.ts";
import { count, time } from "./shapes.ts";

const MISSING = "The requested gradual switch does not exist or has been deleted.";

const STATES = {
  running: "RUNNING",
  completed: "COMPLETED",
  aborted: "ABORTED",
  cancelled: "CANCELLED",
  replaced: "REPLACED",
} as const satisfies Record<GradualState, Uppercase<GradualState>>;

const versionShape = z.object({ requests: count, failed: count, p95Ms: z.number().min(0).optional() });

const gradualShape = named(
  "GradualSwitch",
  z.object({
    id: z.string(),
    projectId: z.string(),
    projectSlug: z.string(),
    environmentId: z.string(),
    environmentSlug: z.string(),
    fromDeploymentId: z.string(),
    toDeploymentId: z.string(),
    state: z.enum(STATES),
    percent: z.int().min(0).max(100),
    steps: z.array(z.int().min(1).max(99)),
    step: count,
    everySeconds: z.number().min(0).optional(),
    sticky: z.boolean(),
    startedAt: time,
    stepStartedAt: time,
    endedAt: time.optional(),
    reason: z.string(),
    evidence: z.object({ from: time, until: time, next: versionShape, live: versionShape }).optional(),
  }),
  "`percent` is the share of the requests that `toDeploymentId` gets. ABORTED: it did worse than the live one, or could not " +
    "serve, see `reason`; CANCELLED: a person ended it; REPLACED: another switch moved the traffic.",
);

const GRADUAL: z.infer<typeof gradualShape> = {
  id: "gs_2gBnvXK4qRz9Lw7Yp",
  projectId: PROJECT,
  projectSlug: "shop",
  environmentId: ENVIRONMENT,
  environmentSlug: "production",
  fromDeploymentId: EARLIER_DEPLOYMENT,
  toDeploymentId: DEPLOYMENT,
  state: "RUNNING",
  percent: 10,
  steps: [10, 50],
  step: 0,
  everySeconds: 120,
  sticky: false,
  startedAt: CREATED_AT,
  stepStartedAt: CREATED_AT,
  reason: "",
  evidence: {
    from: CREATED_AT,
    until: CREATED_AT,
    next: { requests: 812, failed: 0, p95Ms: 21 },
    live: { requests: 7_310, failed: 0, p95Ms: 20 },
  },
};

export const beginGradualSwitchRoute = defineRoute({
  name: "beginGradualSwitch",
  tag: "Traffic",
  summary:
    "Gives a deployment more and more of its environment's requests, as long as it does no worse than the live one.",
  rpc: DeploymentService.method.beginGradualSwitch,
  body: beginGradualSwitchBody,
  example: { deploymentId: DEPLOYMENT, steps: [10, 50], everySeconds: 120 },
  answers: { 200: answer("The first share is committed.", gradualShape, GRADUAL) },
  problems: [404, 412],
  async run({ deps: { deployment: deps }, caller, body, signal }) {
    const { deploymentId: targetId, ...settings } = body;
    const request = { targetId, ...requestedGradual(settings) };
    return ok(gradualData(
      await beginGradualSwitch(deps, caller, request, signal).catch(saying(DEPLOYMENT_MISSING)),
    ));
  },
});

export const getGradualSwitchRoute = defineRoute({
  name: "getGradualSwitch",
  tag: "Traffic",
  summary: "Returns a gradual switch, with the evidence so far.",
  rpc: DeploymentService.method.getGradualSwitch,
  body: gradualSwitchBody,
  example: { gradualSwitchId: GRADUAL.id },
  answers: { 200: answer("The gradual switch.", gradualShape, GRADUAL) },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body: { gradualSwitchId: id } }) {
    const found = await requireGradual(deps, caller, { id, action: "read_deployment" })
      .catch(saying(MISSING));
    return ok(gradualData(found));
  },
});

export const advanceGradualSwitchRoute = defineRoute({
  name: "advanceGradualSwitch",
  tag: "Traffic",
  summary: "Goes on to the next step now. After the last one the deployment is live.",
  rpc: DeploymentService.method.advanceGradualSwitch,
  body: gradualSwitchBody,
  example: { gradualSwitchId: GRADUAL.id },
  answers: {
    200: answer("The step is committed.", gradualShape, { ...GRADUAL, step: 1, percent: 50 }),
  },
  problems: [404, 412],
  async run({ deps: { deployment: deps }, caller, body: { gradualSwitchId: id }, signal }) {
    return ok(gradualData(await advanceGradualSwitch(deps, caller, id, signal).catch(saying(MISSING))));
  },
});

export const abortGradualSwitchRoute = defineRoute({
  name: "abortGradualSwitch",
  tag: "Traffic",
  summary: "Gives all requests back to the live deployment.",
  rpc: DeploymentService.method.abortGradualSwitch,
  body: gradualSwitchBody,
  example: { gradualSwitchId: GRADUAL.id },
  answers: {
    200: answer("It has ended.", gradualShape, {
      ...GRADUAL,
      state: "CANCELLED",
      percent: 0,
      endedAt: CREATED_AT,
      reason: 'The key "ci" ended it.',
    }),
  },
  problems: [404, 412],
  async run({ deps: { deployment: deps }, caller, body: { gradualSwitchId: id }, signal }) {
    return ok(gradualData(await abortGradualSwitch(deps, caller, id, signal).catch(saying(MISSING))));
  },
});

export const listGradualSwitchesRoute = defineRoute({
  name: "listGradualSwitches",
  tag: "Traffic",
  summary: "Lists gradual switches, newest first, in pages.",
  rpc: DeploymentService.method.listGradualSwitches,
  body: listGradualSwitchesBody,
  example: { projectId: PROJECT, running: true },
  answers: {
    200: answer(
      "One page. Without `cursor` it is the last one.",
      z.object({ gradualSwitches: z.array(gradualShape), cursor: z.string().optional() }),
      { gradualSwitches: [GRADUAL] },
    ),
  },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body }) {
    const { projectId = "", environmentSlug = "", deploymentId = "", running = false } = body;
    if (projectId !== "") requireInProject(caller, "read_deployment", projectId);
    const filter = { projectId, environmentSlug, deploymentId, running };
    const page = { pageSize: body.limit ?? 0, pageToken: body.cursor ?? "" };
    const { graduals, nextPageToken } = await listGraduals(deps, caller, { ...filter, ...page })
      .catch(saying(deploymentId === "" ? PROJECT_MISSING : DEPLOYMENT_MISSING));
    const next = nextPageToken === "" ? {} : { cursor: nextPageToken };
    return ok({ gradualSwitches: graduals.map(gradualData), ...next });
  },
});

function gradualData({ row, projectSlug }: ShownGradual): z.infer<typeof gradualShape> {
  const evidence = lastEvidence(row);
  return {
    id: row.id,
    projectId: row.project_id,
    projectSlug,
    environmentId: row.environment_id,
    environmentSlug: row.environment_slug,
    fromDeploymentId: row.former_deployment_id,
    toDeploymentId: row.deployment_id,
    state: STATES[row.state],
    percent: percentOf(row),
    steps: [...stepsOf(row)],
    step: row.step,
    ...(row.every_ms === null ? {} : { everySeconds: row.every_ms / 1_000 }),
    sticky: row.is_sticky === 1,
    startedAt: row.created_at,
    stepStartedAt: row.step_started_at,
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
    reason: row.reason ?? "",
    ...(evidence === undefined ? {} : {
      evidence: {
        from: evidence.fromMs,
        until: evidence.untilMs,
        next: versionData(evidence.next),
        live: versionData(evidence.live),
      },
    }),
  };
}

function versionData({ requests, failed, p95Ms }: VersionEvidence): z.infer<typeof versionShape> {
  return { requests, failed, ...(p95Ms === undefined ? {} : { p95Ms }) };
}
