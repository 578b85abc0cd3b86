/** The routes of commands that run once in a deployment. */
import { z } from "zod";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { requireInProject } from "../../internal/auth/permissions.ts";
import { decodeStrings } from "../../internal/json.ts";
import { type RunState, stateOfRun } from "../../internal/runs/mod.ts";
import type { StoredRun } from "../../internal/store/mod.ts";
import { createRun } from "../../services/deployment/create_run.ts";
import { cancelRun, listRuns, requireRun } from "../../services/deployment/runs.ts";
import { DEPLOYMENT_MISSING, PROJECT_MISSING, saying } from "./deploy.ts";
import { CREATED_AT, DEPLOYMENT, ENVIRONMENT, PROJECT } from "./examples.ts";
import { named } from "./named.ts";
import { answer, defineRoute, ok } from "./route.ts";
import { createRunBody, listRunsBody, runBody } from "./run_schemas.ts";
import { count, time } from "./shapes.ts";

const RUN_MISSING = "The requested run does not exist or has been deleted.";

const STATES = {
  starting: "STARTING",
  running: "RUNNING",
  succeeded: "SUCCEEDED",
  failed: "FAILED",
  cancelled: "CANCELLED",
  timed_out: "TIMED_OUT",
  lost: "LOST",
  skipped: "SKIPPED",
  missed: "MISSED",
  refused: "REFUSED",
} as const satisfies Record<RunState, Uppercase<RunState>>;

export const runShape = named(
  "Run",
  z.object({
    id: z.string(),
    state: z.enum(STATES),
    reason: z.string(),
    message: z.string(),
    exitCode: z.int().optional(),
    projectId: z.string(),
    environmentId: z.string(),
    environmentSlug: z.string(),
    deploymentId: z.string(),
    region: z.string(),
    instance: z.string(),
    command: z.array(z.string()),
    timeoutSeconds: count,
    lastLogLines: z.array(z.string()),
    createdBy: z.string(),
    cron: z.string().optional(),
    plannedAt: time.optional(),
    plannedTimes: count.optional(),
    createdAt: time,
    startedAt: time.optional(),
    endedAt: time.optional(),
  }),
  "`instance` is the name that the lines of its output have; empty while there is none. A run that is `LOST` may have run. " +
    "`SKIPPED`, `MISSED` and `REFUSED` are planned times of a cron without a run; `plannedTimes` says how many, and " +
    "`plannedAt` is the last one.",
);

const RUN: z.infer<typeof runShape> = {
  id: "run_2gBnvXK4qRz9Lw7Yp",
  state: "SUCCEEDED",
  reason: "",
  message: "The command ended with exit code 0.",
  exitCode: 0,
  projectId: PROJECT,
  environmentId: ENVIRONMENT,
  environmentSlug: "preview",
  deploymentId: DEPLOYMENT,
  region: "eu-1",
  instance: "kq3v8x2m1p0d-run-ab12cd34ef56gh78",
  command: ["npm", "run", "seed"],
  timeoutSeconds: 3_600,
  lastLogLines: ["seeded 3 tables"],
  createdBy: "ci",
  createdAt: CREATED_AT,
  startedAt: CREATED_AT,
  endedAt: CREATED_AT,
};

export const createRunRoute = defineRoute({
  name: "createRun",
  tag: "Runs",
  summary: "Runs a command once in a ready deployment's image, with its variables and its size.",
  rpc: DeploymentService.method.createRun,
  body: createRunBody,
  example: { projectId: PROJECT, environmentSlug: "preview", command: ["npm", "run", "seed"] },
  answers: {
    200: answer(
      "The run, which its agent starts soon. `getRun` says how it goes, `streamLogs` what it prints.",
      runShape,
      {
        ...RUN,
        state: "STARTING",
      },
    ),
  },
  problems: [404, 412],
  idempotent: true,
  async run({ deps: { deployment: deps }, caller, body, idempotencyKey }) {
    const { deploymentId = "", projectId = "", environmentSlug = "", region = "", ...rest } = body;
    const { command = [], cron = "", timeoutSeconds = 0 } = rest;
    const order = {
      deploymentId,
      projectId,
      environmentSlug,
      region,
      command,
      cron,
      timeoutSeconds,
      idempotencyKey,
    };
    const run = await createRun(deps, caller, order)
      .catch(saying(deploymentId === "" ? PROJECT_MISSING : DEPLOYMENT_MISSING));
    return ok(runData(run));
  },
});

export const getRunRoute = defineRoute({
  name: "getRun",
  tag: "Runs",
  summary: "Returns a run as its agent has reported it last.",
  rpc: DeploymentService.method.getRun,
  body: runBody,
  example: { runId: RUN.id },
  answers: { 200: answer("The run.", runShape, RUN) },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body: { runId: id } }) {
    const run = await requireRun(deps, caller, { id, action: "read_deployment" }).catch(saying(RUN_MISSING));
    return ok(runData(run));
  },
});

export const listRunsRoute = defineRoute({
  name: "listRuns",
  tag: "Runs",
  summary: "Lists runs, newest first, in pages. They are kept for 90 days.",
  rpc: DeploymentService.method.listRuns,
  body: listRunsBody,
  example: { projectId: PROJECT, environmentSlug: "preview", limit: 20 },
  answers: {
    200: answer(
      "One page. Without `cursor` it is the last one.",
      z.object({ runs: z.array(runShape), cursor: z.string().optional() }),
      { runs: [RUN] },
    ),
  },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body }) {
    const { projectId = "", environmentSlug = "", deploymentId = "", cron = "", limit = 0, cursor = "" } =
      body;
    if (projectId !== "") requireInProject(caller, "read_deployment", projectId);
    const page = { projectId, environmentSlug, deploymentId, cron, pageSize: limit, pageToken: cursor };
    const { runs, nextPageToken } = await listRuns(deps, caller, page)
      .catch(saying(deploymentId === "" ? PROJECT_MISSING : DEPLOYMENT_MISSING));
    const next = nextPageToken === "" ? {} : { cursor: nextPageToken };
    return ok({ runs: runs.map(runData), ...next });
  },
});

export const cancelRunRoute = defineRoute({
  name: "cancelRun",
  tag: "Runs",
  summary: "Ends a run. A run that has ended stays as it is.",
  rpc: DeploymentService.method.cancelRun,
  body: runBody,
  example: { runId: RUN.id },
  answers: {
    200: answer("The run after it.", runShape, { ...RUN, state: "CANCELLED", reason: "cancelled" }),
  },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body: { runId } }) {
    return ok(runData(await cancelRun(deps, caller, runId).catch(saying(RUN_MISSING))));
  },
});

export function runData(run: StoredRun): z.infer<typeof runShape> {
  return {
    id: run.run_id,
    state: STATES[stateOfRun(run)],
    reason: run.reason,
    message: run.message,
    ...(run.exit_code === null ? {} : { exitCode: run.exit_code }),
    projectId: run.project_id,
    environmentId: run.environment_id,
    environmentSlug: run.environment_slug,
    deploymentId: run.deployment_id,
    region: run.region,
    instance: run.instance,
    command: [...decodeStrings(run.command)],
    timeoutSeconds: run.timeout_seconds,
    lastLogLines: [...decodeStrings(run.last_log_lines)],
    createdBy: run.created_by,
    ...(run.cron_name === null ? {} : { cron: run.cron_name }),
    ...(run.planned_at === null ? {} : { plannedAt: run.planned_at }),
    ...(run.planned_times === null ? {} : { plannedTimes: run.planned_times }),
    createdAt: run.created_at,
    ...(run.started_at === null ? {} : { startedAt: run.started_at }),
    ...(run.ended_at === null ? {} : { endedAt: run.ended_at }),
  };
}
