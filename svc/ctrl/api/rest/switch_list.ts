/** The route that lists moves of traffic with their receipts. */
import { z } from "zod";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { requireInProject } from "../../internal/auth/permissions.ts";
import type { ReceiptState } from "../../internal/switches/mod.ts";
import { listTrafficSwitches, type ShownSwitch } from "../../services/deployment/list_switches.ts";
import { DEPLOYMENT_MISSING, PROJECT_MISSING, saying } from "./deploy.ts";
import { CREATED_AT, DEPLOYMENT, EARLIER_DEPLOYMENT, ENVIRONMENT, PROJECT } from "./examples.ts";
import { named } from "./named.ts";
import { answer, defineRoute, ok } from "./route.ts";
import { listSwitchesBody } from "./schemas.ts";
import { count, time } from "./shapes.ts";

const STATES = {
  waiting: "WAITING",
  counting: "COUNTING",
  complete: "COMPLETE",
  incomplete: "INCOMPLETE",
  superseded: "SUPERSEDED",
} as const satisfies Record<ReceiptState, Uppercase<ReceiptState>>;

const receiptShape = named(
  "SwitchReceipt",
  z.object({
    state: z.enum(STATES),
    tookMs: count,
    edges: z.array(z.object({
      edgeId: z.string(),
      region: z.string(),
      acknowledgedMs: count.optional(),
      counted: z.boolean(),
    })),
    failedByEdge: count,
    failedByFormer: count,
    failedByTarget: count,
  }),
  "The time from the commit to the last acknowledgement, each edge that was to follow, and the requests that failed " +
    "from the commit until 2 s after it. An edge without acknowledgedMs did not follow within 30 s, or not yet.",
);

const trafficSwitchShape = named(
  "TrafficSwitch",
  z.object({
    id: z.string(),
    projectId: z.string(),
    projectSlug: z.string(),
    environmentId: z.string(),
    environmentSlug: z.string(),
    cause: z.enum(["deploy", "promote", "rollback", "gradual", "abort"])
      .describe("`gradual`: a share of the requests moved; `abort`: such a share went back."),
    fromDeploymentId: z.string().optional(),
    toDeploymentId: z.string(),
    committedAt: time,
    percent: z.int().min(1).max(100).describe("The share of the requests that `toDeploymentId` got."),
    gradualSwitchId: z.string().optional(),
    receipt: receiptShape,
  }),
);

export const listSwitchesRoute = defineRoute({
  name: "listSwitches",
  tag: "Traffic",
  summary: "Lists the moves of live traffic with their receipts, newest first, in pages.",
  rpc: DeploymentService.method.listSwitches,
  body: listSwitchesBody,
  example: { projectId: PROJECT, environmentSlug: "production", limit: 20 },
  answers: {
    200: answer(
      "One page. Without `cursor` it is the last one.",
      z.object({ switches: z.array(trafficSwitchShape), cursor: z.string().optional() }),
      {
        switches: [{
          id: "sw_2gBnvXK4qRz9Lw7Yp",
          projectId: PROJECT,
          projectSlug: "shop",
          environmentId: ENVIRONMENT,
          environmentSlug: "production",
          cause: "rollback",
          fromDeploymentId: DEPLOYMENT,
          toDeploymentId: EARLIER_DEPLOYMENT,
          committedAt: CREATED_AT,
          percent: 100,
          receipt: {
            state: "COMPLETE",
            tookMs: 112,
            edges: [{ edgeId: "edge-1", region: "local", acknowledgedMs: 112, counted: true }],
            failedByEdge: 0,
            failedByFormer: 0,
            failedByTarget: 0,
          },
        }],
      },
    ),
  },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body }) {
    const { projectId = "", environmentSlug = "", deploymentId = "", limit = 0, cursor = "" } = body;
    if (projectId !== "") requireInProject(caller, "read_deployment", projectId);
    const page = { projectId, environmentSlug, deploymentId, pageSize: limit, pageToken: cursor };
    const { switches, nextPageToken } = await listTrafficSwitches(deps, caller, page)
      .catch(saying(deploymentId === "" ? PROJECT_MISSING : DEPLOYMENT_MISSING));
    const next = nextPageToken === "" ? {} : { cursor: nextPageToken };
    return ok({ switches: switches.map(switchData), ...next });
  },
});

function switchData({ row, projectSlug, receipt }: ShownSwitch): z.infer<typeof trafficSwitchShape> {
  const { edges, state, ...numbers } = receipt;
  return {
    id: row.id,
    projectId: row.project_id,
    projectSlug,
    environmentId: row.environment_id,
    environmentSlug: row.environment_slug,
    cause: row.cause,
    ...(row.previous_deployment_id === null ? {} : { fromDeploymentId: row.previous_deployment_id }),
    toDeploymentId: row.deployment_id,
    committedAt: row.created_at,
    percent: row.percent ?? 100,
    ...(row.gradual_switch_id === null ? {} : { gradualSwitchId: row.gradual_switch_id }),
    receipt: {
      state: STATES[state],
      ...numbers,
      edges: edges.map(({ id: edgeId, region, acknowledgedMs, counted }) => ({
        edgeId,
        region,
        ...(acknowledgedMs === undefined ? {} : { acknowledgedMs }),
        counted,
      })),
    },
  };
}
