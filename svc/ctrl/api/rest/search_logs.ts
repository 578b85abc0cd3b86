/** The route that searches in the output of instances. */
import { z } from "zod";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { readLine } from "../../internal/log_lines/mod.ts";
import type { FoundLine } from "../../internal/store/mod.ts";
import { searchLogs } from "../../services/deployment/search_logs.ts";
import { DEPLOYMENT_MISSING, PROJECT_MISSING, saying } from "./deploy.ts";
import { CREATED_AT, DEPLOYMENT, PROJECT } from "./examples.ts";
import { named } from "./named.ts";
import { answer, defineRoute, ok } from "./route.ts";
import { searchLogsBody } from "./schemas.ts";
import { time } from "./shapes.ts";

const foundLineShape = named(
  "FoundLogLine",
  z.object({
    deploymentId: z.string(),
    instance: z.string(),
    region: z.string(),
    time,
    stream: z.enum(["stdout", "stderr"]),
    text: z.string(),
    level: z.enum(["trace", "debug", "info", "warn", "error", "fatal"]).optional(),
    message: z.string().optional(),
    fields: z.record(z.string(), z.unknown()).optional(),
  }),
  "A line as it was printed, and its level when it says one. Of a line that is a JSON object, message and other fields, too.",
);

export const searchLogsRoute = defineRoute({
  name: "searchLogs",
  tag: "Output",
  summary: "Searches in the kept output of a deployment, a project or an environment by text and level.",
  rpc: DeploymentService.method.searchLogs,
  body: searchLogsBody,
  example: { projectId: PROJECT, environmentSlug: "production", text: "connection refused", level: "error" },
  answers: {
    200: answer(
      "Newest first, 100 lines if `limit` is absent. One call does bounded work; with `cursor` there may be more.",
      z.object({
        lines: z.array(foundLineShape),
        cursor: z.string().optional().describe("The next call goes on where this one ended."),
        searchedSince: time.optional().describe("With `cursor`: output of this time or later was searched."),
        deploymentsLeftOut: z.boolean().describe(
          "True if more than 200 deployments have output: the oldest were not searched.",
        ),
      }),
      {
        lines: [{
          deploymentId: DEPLOYMENT,
          instance: "shop-7d9f-1",
          region: "eu-1",
          time: CREATED_AT,
          stream: "stdout",
          text: '{"level":"error","msg":"connection refused","port":5432}',
          level: "error",
          message: "connection refused",
          fields: { port: 5432 },
        }],
        deploymentsLeftOut: false,
      },
    ),
  },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body }) {
    const { deploymentId = "", projectId = "", environmentSlug = "", text = "", level = "" } = body;
    const { since = 0, until = 0, instance = "", region = "", limit = 0, cursor = "" } = body;
    const range = { since: BigInt(since), until: BigInt(until) };
    const scope = { deploymentId, projectId, environmentSlug };
    const request = { ...scope, ...range, text, level, instance, region, limit, cursor };
    const found = await deps.streams.once(caller.workspaceId, () => searchLogs(deps, caller, request))
      .catch(saying(deploymentId === "" ? PROJECT_MISSING : DEPLOYMENT_MISSING));
    return ok({
      lines: found.lines.map(lineData),
      ...(found.cursor === "" ? {} : { cursor: found.cursor, searchedSince: found.searchedSinceMs }),
      deploymentsLeftOut: found.deploymentsLeftOut,
    });
  },
});

function lineData({ deploymentId, instance, region, timeNs, stream, text }: FoundLine) {
  const { level, message, fields } = readLine(text);
  return {
    deploymentId,
    instance,
    region,
    time: Number(BigInt(timeNs) / 1_000_000n),
    stream,
    text,
    ...(level === undefined ? {} : { level }),
    ...(message === undefined ? {} : { message }),
    ...(fields === undefined ? {} : { fields: { ...fields } }),
  };
}
