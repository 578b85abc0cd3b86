import type { ServiceImpl } from "@connectrpc/connect";
import type { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { acknowledgeRoutes, type FrontlineDeps, watchRoutes } from "./watch_routes.ts";

/** Adapts the edges' use cases to `ctrl.v1.FrontlineService`: decode, call, encode. */
export function frontlineHandlers(deps: FrontlineDeps): ServiceImpl<typeof FrontlineService> {
  return {
    watchRoutes: (request, context) => watchRoutes(deps, request, context.signal),
    async acknowledgeRoutes(request) {
      await acknowledgeRoutes(deps, request);
      return {};
    },
  };
}
