import type { ServiceImpl } from "@connectrpc/connect";
import { streamClientOf } from "../../../../pkg/rpc/mod.ts";
import type { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { principalOf } from "../../internal/auth/principal.ts";
import { EDGE_REGION } from "../../internal/changes/mod.ts";
import { PasswordChecker } from "./check_password.ts";
import { takeLoadReport } from "./report_load.ts";
import { type RefusalDeps, RefusalTaker } from "./report_refusals.ts";
import { takeTrafficReport } from "./report_traffic.ts";
import { wakeDeployment, type WakeDeps } from "./wake_deployment.ts";
import { acknowledgeRoutes, type FrontlineDeps, watchOwnRoutes, watchRoutes } from "./watch_routes.ts";

/** Adapts the edges' use cases to `ctrl.v1.FrontlineService`: decode, call, encode. */
export function frontlineHandlers(
  deps: FrontlineDeps & RefusalDeps & WakeDeps,
): ServiceImpl<typeof FrontlineService> {
  const refusals = new RefusalTaker(deps);
  const passwords = new PasswordChecker(deps);
  return {
    watchRoutes(request, context) {
      const caller = principalOf(context.values, "edge", "sentinel");
      const client = streamClientOf(context);
      return caller.kind === "sentinel"
        ? watchOwnRoutes(deps, caller, client)
        : watchRoutes(deps, request, client);
    },
    async acknowledgeRoutes(request) {
      await acknowledgeRoutes(deps, request);
      return {};
    },
    async reportTraffic(request) {
      return { now: BigInt(await takeTrafficReport(deps, request)) };
    },
    async checkPassword(request) {
      return { right: await passwords.check(request) };
    },
    async reportLoad(request) {
      await takeLoadReport(deps, request);
      return {};
    },
    async wakeDeployment(request, context) {
      const caller = principalOf(context.values, "edge", "sentinel");
      const environmentId = caller.kind === "sentinel" ? caller.environmentId : undefined;
      return { waking: await wakeDeployment(deps, { environmentId }, request) };
    },
    async reportRefusals(request) {
      await refusals.take(EDGE_REGION, request);
      return {};
    },
  };
}
