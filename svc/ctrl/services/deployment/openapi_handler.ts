import type { ServiceImpl } from "@connectrpc/connect";
import type { OpenApiService } from "../../../../proto/gen/ctrl/v1/openapi_pb.ts";
import { principalOf } from "../../internal/auth/principal.ts";
import type { DeploymentDeps } from "./deps.ts";
import { getOpenApiDiff } from "./openapi_diff.ts";

/** Adapts the comparison of documents to `ctrl.v1.OpenApiService`. */
export function openApiHandlers(
  deps: Pick<DeploymentDeps, "db" | "reader">,
): ServiceImpl<typeof OpenApiService> {
  return {
    async getOpenApiDiff(request, context) {
      const caller = principalOf(context.values, "root_key");
      const { differs, breaking, changes, ...details } = await getOpenApiDiff(deps, caller, request);
      return {
        summary: { diff: differs, details },
        hasBreakingChanges: breaking,
        changes: changes.map(({ operationId, ...change }) => ({
          ...change,
          ...(operationId === undefined ? {} : { operationId }),
        })),
      };
    },
  };
}
