import type { ServiceImpl } from "@connectrpc/connect";
import type { CronService } from "../../../../proto/gen/ctrl/v1/cron_pb.ts";
import { principalOf } from "../../internal/auth/principal.ts";
import { encodeCron, listCrons, setCronPause } from "./crons.ts";
import type { DeploymentDeps } from "./deps.ts";

/** Adapts the use cases of crons to `ctrl.v1.CronService`. */
export function cronHandlers(deps: Pick<DeploymentDeps, "db" | "clock">): ServiceImpl<typeof CronService> {
  return {
    async listCrons(request, { values }) {
      const { crons, nextPageToken } = await listCrons(deps, principalOf(values, "root_key"), request);
      return { crons: crons.map(encodeCron), nextPageToken };
    },
    async pauseCron(request, { values }) {
      return { cron: encodeCron(await setCronPause(deps, principalOf(values, "root_key"), request, true)) };
    },
    async resumeCron(request, { values }) {
      return { cron: encodeCron(await setCronPause(deps, principalOf(values, "root_key"), request, false)) };
    },
  };
}
