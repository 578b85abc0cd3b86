/** The routes of what an environment shall have. */
import { z } from "zod";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { applyEnvironment } from "../../services/environment/apply_environment.ts";
import { planEnvironment, type Planned } from "../../services/environment/plan_environment.ts";
import type { WireWanted } from "../../services/environment/wanted.ts";
import { appBody, sizeBody, wireApp, wireSize } from "./app_body.ts";
import { PROJECT } from "./examples.ts";
import { named } from "./named.ts";
import { answer, defineRoute, ok } from "./route.ts";

const filled = z.string().min(1);

const wantedBody = named(
  "WantedEnvironment",
  z.strictObject({
    size: sizeBody.optional(),
    settings: appBody.optional(),
    appProtocol: z.enum(["http1", "h2c"]).optional()
      .describe("Compared only, since each deployment has its own."),
    idleEndSeconds: z.int().min(0).optional().describe("0: never."),
    variables: z.record(z.string(), z.string()).optional(),
    requiredVariables: z.array(filled).optional()
      .describe("Variables that must have a value already, whichever it is."),
    domains: z.array(z.strictObject({ domain: filled, redirectTo: filled.optional() })).optional(),
    prune: z.boolean().optional()
      .describe("Sizes, settings and variables that are not wanted are removed."),
  }),
  "What an environment shall have. What is absent stays as it is, unless `prune` is set.",
);

const planBody = z.strictObject({ projectId: filled, environmentSlug: filled, wanted: wantedBody });

const applyBody = z.strictObject({
  ...planBody.shape,
  fingerprint: filled.optional()
    .describe("Of the plan that is meant: when anything differs by now, nothing is changed."),
});

const planShape = named(
  "EnvironmentPlan",
  z.object({
    changes: z.array(z.object({
      setting: z.string().describe("As in `unkey.json`."),
      live: z.string().optional().describe("Of the live deployment."),
      stored: z.string().optional().describe("Of the environment."),
      wanted: z.string().optional().describe("Of the environment, after an apply."),
      action: z.enum(["none", "set", "remove"]).describe("`none`: it is stored, and does not run yet."),
      effect: z.enum(["none", "at_once", "redeploy", "deploy"]).describe("What gives it to what runs."),
    })),
    fingerprint: z.string(),
    liveDeploymentId: z.string().optional(),
  }),
  "Values of variables and headers are compared, and not shown.",
);

const WHERE = { projectId: PROJECT, environmentSlug: "production" };
const WANTED = { settings: { port: 3000 }, variables: { LOG_LEVEL: "debug" } };
const FINGERPRINT = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const PLAN: z.infer<typeof planShape> = {
  changes: [
    { setting: "port", live: "8080", wanted: "3000", action: "set", effect: "redeploy" },
    {
      setting: "variables.LOG_LEVEL",
      live: "(set)",
      stored: "(set)",
      wanted: "(another value)",
      action: "set",
      effect: "redeploy",
    },
  ],
  fingerprint: FINGERPRINT,
  liveDeploymentId: "d_5fLqcHJ2t9xKs7dR",
};

export const planEnvironmentRoute = defineRoute({
  name: "planEnvironment",
  tag: "Settings",
  summary: "Compares what is wanted with what the environment has and serves. Nothing is changed.",
  rpc: EnvironmentService.method.planEnvironment,
  body: planBody,
  example: { ...WHERE, wanted: WANTED },
  answers: { 200: answer("The changes, by name.", planShape, PLAN) },
  problems: [404, 409, 412],
  async run({ deps: { environment: deps }, caller, body: { projectId, environmentSlug, wanted } }) {
    const order = { projectId, environmentSlug, wanted: wireWanted(wanted) };
    return ok(shownPlan(await planEnvironment(deps, caller, order)));
  },
});

export const applyEnvironmentRoute = defineRoute({
  name: "applyEnvironment",
  tag: "Settings",
  summary: "Makes the changes of the plan in one transaction.",
  rpc: EnvironmentService.method.applyEnvironment,
  body: applyBody,
  example: { ...WHERE, wanted: WANTED, fingerprint: FINGERPRINT },
  answers: { 200: answer("The plan whose changes were made.", planShape, PLAN) },
  problems: [404, 409, 412],
  async run({ deps: { environment: deps }, caller, body }) {
    const { projectId, environmentSlug, wanted, fingerprint = "" } = body;
    const order = { projectId, environmentSlug, wanted: wireWanted(wanted), fingerprint };
    return ok(shownPlan(await applyEnvironment(deps, caller, order)));
  },
});

/** The form that use cases check. */
function wireWanted(body: z.infer<typeof wantedBody>): WireWanted {
  const { size, settings, appProtocol = "", idleEndSeconds, domains = [], prune = false } = body;
  return {
    size: size === undefined ? undefined : wireSize(size),
    settings: settings === undefined ? undefined : wireApp(settings),
    appProtocol,
    idleEndSeconds,
    variables: body.variables ?? {},
    requiredVariables: body.requiredVariables ?? [],
    domains: domains.map(({ domain, redirectTo = "" }) => ({ domain, redirectTo })),
    prune,
  };
}

function shownPlan({ plan, fingerprint, rows: { live } }: Planned): z.infer<typeof planShape> {
  return {
    changes: plan.changes.map(({ setting, live, stored, wanted, action, effect }) => ({
      setting,
      ...(live === undefined ? {} : { live }),
      ...(stored === undefined ? {} : { stored }),
      ...(wanted === undefined ? {} : { wanted }),
      action,
      effect,
    })),
    fingerprint,
    ...(live === undefined ? {} : { liveDeploymentId: live.id }),
  };
}
