import type { ServiceImpl } from "@connectrpc/connect";
import type { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { principalOf } from "../../internal/auth/principal.ts";
import { acknowledgeRoutes, type FrontlineDeps, watchOwnRoutes, watchRoutes } from "./watch_routes.ts";

/** Adapts the edges' use cases to `ctrl.v1.FrontlineService`: decode, call, encode. */
export function frontlineHandlers(deps: FrontlineDeps): ServiceImpl<typeof FrontlineService> {
  return {
    watchRoutes(request, context) {
      const caller = principalOf(context.values, "edge", "sentinel");
      return caller.kind === "sentinel"
        ? watchOwnRoutes(deps, caller, context.signal)
        : watchRoutes(deps, request, context.signal);
    },
    async acknowledgeRoutes(request) {
      await acknowledgeRoutes(deps, request);
      return {};
    },
  };
}
