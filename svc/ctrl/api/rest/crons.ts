/** The routes of commands that run by the clock. */
import { z } from "zod";
import { CronService } from "../../../../proto/gen/ctrl/v1/cron_pb.ts";
import { requireInProject } from "../../internal/auth/permissions.ts";
import { decodeStrings } from "../../internal/json.ts";
import { listCrons, setCronPause, type ShownCron } from "../../services/deployment/crons.ts";
import { PROJECT_MISSING, saying } from "./deploy.ts";
import { CREATED_AT, DEPLOYMENT, ENVIRONMENT, PROJECT } from "./examples.ts";
import { named } from "./named.ts";
import { answer, defineRoute, ok } from "./route.ts";
import { runData, runShape } from "./runs.ts";
import { cronBody, listCronsBody } from "./run_schemas.ts";
import { count, time } from "./shapes.ts";

const CRON_MISSING = "The requested cron does not exist or has been removed.";

const cronShape = named(
  "Cron",
  z.object({
    id: z.string(),
    name: z.string(),
    projectId: z.string(),
    environmentId: z.string(),
    environmentSlug: z.string(),
    deploymentId: z.string(),
    schedule: z.string(),
    timezone: z.string(),
    command: z.array(z.string()),
    overlap: z.enum(["skip", "allow", "replace"]),
    timeoutSeconds: count,
    nextAt: time.optional(),
    pausedAt: time.optional(),
    lastRun: runShape.optional(),
    createdAt: time,
  }),
  "A cron of the live deployment of an environment. One that is paused has no `nextAt`.",
);

const CRON: z.infer<typeof cronShape> = {
  id: "cron_2gBnvXK4qRz9Lw7Yp",
  name: "cleanup",
  projectId: PROJECT,
  environmentId: ENVIRONMENT,
  environmentSlug: "production",
  deploymentId: DEPLOYMENT,
  schedule: "30 2 * * *",
  timezone: "Europe/Berlin",
  command: ["npm", "run", "cleanup"],
  overlap: "skip",
  timeoutSeconds: 3_600,
  nextAt: CREATED_AT,
  createdAt: CREATED_AT,
};
const NAMED = { projectId: PROJECT, environmentSlug: "production", name: CRON.name };

export const listCronsRoute = defineRoute({
  name: "listCrons",
  tag: "Crons",
  summary: "Lists the crons that hold, newest first, in pages.",
  rpc: CronService.method.listCrons,
  body: listCronsBody,
  example: { projectId: PROJECT, environmentSlug: "production", limit: 20 },
  answers: {
    200: answer(
      "One page. Without `cursor` it is the last one.",
      z.object({ crons: z.array(cronShape), cursor: z.string().optional() }),
      { crons: [CRON] },
    ),
  },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body }) {
    const { projectId = "", environmentSlug = "", limit = 0, cursor = "" } = body;
    if (projectId !== "") requireInProject(caller, "read_deployment", projectId);
    const page = { projectId, environmentSlug, pageSize: limit, pageToken: cursor };
    const { crons, nextPageToken } = await listCrons(deps, caller, page).catch(saying(PROJECT_MISSING));
    return ok({ crons: crons.map(cronData), ...(nextPageToken === "" ? {} : { cursor: nextPageToken }) });
  },
});

export const pauseCronRoute = defineRoute({
  name: "pauseCron",
  tag: "Crons",
  summary: "Pauses a cron, over deployments, until it is resumed. One that is paused stays so.",
  rpc: CronService.method.pauseCron,
  body: cronBody,
  example: NAMED,
  answers: { 200: answer("The cron after it.", cronShape, { ...CRON, pausedAt: CREATED_AT }) },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body }) {
    return ok(cronData(await setCronPause(deps, caller, body, true).catch(saying(CRON_MISSING))));
  },
});

export const resumeCronRoute = defineRoute({
  name: "resumeCron",
  tag: "Crons",
  summary: "Resumes a cron from its next planned time on. Those of the pause are not made good.",
  rpc: CronService.method.resumeCron,
  body: cronBody,
  example: NAMED,
  answers: { 200: answer("The cron after it.", cronShape, CRON) },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body }) {
    return ok(cronData(await setCronPause(deps, caller, body, false).catch(saying(CRON_MISSING))));
  },
});

function cronData({ cron, lastRun }: ShownCron): z.infer<typeof cronShape> {
  return {
    id: cron.id,
    name: cron.name,
    projectId: cron.project_id,
    environmentId: cron.environment_id,
    environmentSlug: cron.environment_slug,
    deploymentId: cron.deployment_id,
    schedule: cron.schedule,
    timezone: cron.timezone,
    command: [...decodeStrings(cron.command)],
    overlap: cron.overlap,
    timeoutSeconds: cron.timeout_seconds,
    ...(cron.planned_at === null ? {} : { nextAt: cron.planned_at }),
    ...(cron.paused_at === null ? {} : { pausedAt: cron.paused_at }),
    ...(lastRun === undefined ? {} : { lastRun: runData(lastRun) }),
    createdAt: cron.created_at,
  };
}
