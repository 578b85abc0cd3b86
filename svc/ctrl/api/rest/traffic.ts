/** The route of requests of a deployment or an environment. */
import { z } from "zod";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { TrafficNumbers } from "../../internal/traffic/series.ts";
import { getTraffic } from "../../services/deployment/get_traffic.ts";
import { DEPLOYMENT_MISSING, PROJECT_MISSING, saying } from "./deploy.ts";
import { CREATED_AT, DEPLOYMENT } from "./examples.ts";
import { named } from "./named.ts";
import { answer, defineRoute, ok } from "./route.ts";
import { getTrafficBody } from "./schemas.ts";
import { count, time } from "./shapes.ts";

const numbersShape = named(
  "TrafficNumbers",
  z.object({
    requests: count,
    status1xx: count,
    status2xx: count,
    status3xx: count,
    status4xx: count,
    status5xx: count,
    failedByEdge: count,
    cutOff: count,
    cancelled: count,
    receivedBytes: count,
    sentBytes: count,
    concurrencyMean: z.number().min(0),
    concurrencyMax: count,
    p50Ms: z.number().min(0).optional(),
    p95Ms: z.number().min(0).optional(),
    p99Ms: z.number().min(0).optional(),
  }),
  "Requests of a time. `failedByEdge` are those of 5xx that an edge gave since no instance could; `cutOff` are responses that " +
    "broke off, `cancelled` clients that went away before. Latencies end with the head of the response.",
);

const EXAMPLE: z.infer<typeof numbersShape> = {
  requests: 1_200,
  status1xx: 0,
  status2xx: 1_190,
  status3xx: 0,
  status4xx: 8,
  status5xx: 2,
  failedByEdge: 0,
  cutOff: 0,
  cancelled: 0,
  receivedBytes: 0,
  sentBytes: 2_400_000,
  concurrencyMean: 0.4,
  concurrencyMax: 6,
  p50Ms: 11.5,
  p95Ms: 38,
  p99Ms: 90,
};

export const getTrafficRoute = defineRoute({
  name: "getTraffic",
  tag: "Traffic",
  summary:
    "Gives rates, latencies and sizes of the requests of a deployment or an environment over the last time.",
  rpc: DeploymentService.method.getTraffic,
  body: getTrafficBody,
  example: { deploymentId: DEPLOYMENT, sinceSeconds: 600 },
  answers: {
    200: answer(
      "Totals, and a point for each step that has requests. Without `lastRequestAt` there were none. Of an environment, at most " +
        "the 20 deployments with the latest requests are counted.",
      z.object({
        deploymentId: z.string().optional(),
        deploymentIds: z.array(z.string()),
        deploymentsLeftOut: z.boolean(),
        from: time,
        until: time,
        stepSeconds: count,
        total: numbersShape,
        points: z.array(z.object({ at: time, numbers: numbersShape })),
        regions: z.array(z.object({ region: z.string(), numbers: numbersShape })),
        lastRequestAt: time.optional(),
      }),
      {
        deploymentId: DEPLOYMENT,
        deploymentIds: [DEPLOYMENT],
        deploymentsLeftOut: false,
        from: CREATED_AT,
        until: CREATED_AT + 600_000,
        stepSeconds: 10,
        total: EXAMPLE,
        points: [{ at: CREATED_AT + 590_000, numbers: EXAMPLE }],
        regions: [{ region: "local", numbers: EXAMPLE }],
        lastRequestAt: CREATED_AT + 599_000,
      },
    ),
  },
  problems: [404],
  async run({ deps: { deployment: deps }, caller, body }) {
    const { deploymentId = "", projectId = "", environmentSlug = "", sinceSeconds = 0, region = "" } = body;
    const request = { deploymentId, projectId, environmentSlug, sinceSeconds, region };
    const shown = await getTraffic(deps, caller, request)
      .catch(saying(deploymentId === "" ? PROJECT_MISSING : DEPLOYMENT_MISSING));
    return ok({
      ...(deploymentId === "" ? {} : { deploymentId }),
      deploymentIds: [...shown.deploymentIds],
      deploymentsLeftOut: shown.deploymentsLeftOut,
      from: shown.fromMs,
      until: shown.untilMs,
      stepSeconds: shown.stepSeconds,
      total: numbersData(shown.total),
      points: shown.points.map(({ atMs, numbers }) => ({ at: atMs, numbers: numbersData(numbers) })),
      regions: shown.regions.map(({ region, numbers }) => ({ region, numbers: numbersData(numbers) })),
      ...(shown.lastRequestAtMs === 0 ? {} : { lastRequestAt: shown.lastRequestAtMs }),
    });
  },
});

function numbersData({ responses, ...numbers }: TrafficNumbers): z.infer<typeof numbersShape> {
  const { p50Ms, p95Ms, p99Ms, ...rest } = numbers;
  const [status1xx = 0, status2xx = 0, status3xx = 0, status4xx = 0, status5xx = 0] = responses;
  return {
    ...rest,
    status1xx,
    status2xx,
    status3xx,
    status4xx,
    status5xx,
    ...(p50Ms === undefined ? {} : { p50Ms }),
    ...(p95Ms === undefined ? {} : { p95Ms }),
    ...(p99Ms === undefined ? {} : { p99Ms }),
  };
}
