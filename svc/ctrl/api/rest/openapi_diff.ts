/** The route that compares the OpenAPI documents of two deployments. */
import { z } from "zod";
import { OpenApiService } from "../../../../proto/gen/ctrl/v1/openapi_pb.ts";
import { getOpenApiDiff } from "../../services/deployment/openapi_diff.ts";
import { DEPLOYMENT, EARLIER_DEPLOYMENT } from "./examples.ts";
import { named } from "./named.ts";
import { answer, defineRoute, ok } from "./route.ts";
import { openApiDiffBody } from "./schemas.ts";
import { count } from "./shapes.ts";

const countsShape = named("DiffCounts", z.object({ added: count, deleted: count, modified: count }));
const changeShape = named(
  "ApiChange",
  z.object({
    id: z.string(),
    text: z.string(),
    level: z.int().min(1).max(3),
    operation: z.string(),
    operationId: z.string().optional(),
    path: z.string(),
  }),
  "A change as clients of the former document see it. Level 3 breaks them, 2 may break some, 1 breaks none.",
);
const NONE = { added: 0, deleted: 0, modified: 0 };

export const getOpenApiDiffRoute = defineRoute({
  name: "getOpenApiDiff",
  tag: "Deployments",
  summary: "Compares the OpenAPI documents that two deployments served when they became ready.",
  rpc: OpenApiService.method.getOpenApiDiff,
  body: openApiDiffBody,
  example: { oldDeploymentId: EARLIER_DEPLOYMENT, newDeploymentId: DEPLOYMENT },
  answers: {
    200: answer(
      "At most 1,000 changes, the breaking ones first.",
      z.object({
        differs: z.boolean(),
        breaking: z.boolean(),
        endpoints: countsShape,
        paths: countsShape,
        schemas: countsShape,
        changes: z.array(changeShape),
      }),
      {
        differs: true,
        breaking: true,
        endpoints: { ...NONE, modified: 1 },
        paths: { ...NONE, modified: 1 },
        schemas: NONE,
        changes: [{
          id: "new-required-request-parameter",
          text: "the required query parameter 'currency' was added",
          level: 3,
          operation: "GET",
          operationId: "listPrices",
          path: "/prices",
        }],
      },
    ),
  },
  problems: [404, 412],
  async run({ deps: { deployment: deps }, caller, body }) {
    const { changes, ...compared } = await getOpenApiDiff(deps, caller, body);
    return ok({
      ...compared,
      changes: changes.map(({ operationId, ...change }) => ({
        ...change,
        ...(operationId === undefined ? {} : { operationId }),
      })),
    });
  },
});
