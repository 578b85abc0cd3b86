import type { ServiceImpl } from "@connectrpc/connect";
import { type EnvironmentService, EnvironmentType } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { principalOf } from "../../internal/auth/principal.ts";
import { decodeApp, encodeApp } from "../../internal/deployments/app/wire.ts";
import { type AppSettingsDeps, getAppSettings, setAppSettings } from "./app_settings.ts";
import { createEnvironment, type EnvironmentDeps } from "./create.ts";
import { deleteEnvironment } from "./delete.ts";
import { setEnvironmentIdleEnd, type SetIdleEndDeps } from "./set_idle_end.ts";
import { setSize, type SetSizeDeps } from "./set_size.ts";

/** Adapts the environment use cases to `ctrl.v1.EnvironmentService`. */
export function environmentHandlers(
  deps: EnvironmentDeps & SetSizeDeps & SetIdleEndDeps & AppSettingsDeps,
): ServiceImpl<typeof EnvironmentService> {
  return {
    async createEnvironment({ projectId, slug, description, type }, context) {
      const caller = principalOf(context.values, "root_key");
      const production = type === EnvironmentType.PRODUCTION;
      return { id: await createEnvironment(deps, caller, { projectId, slug, description, production }) };
    },
    async deleteEnvironment(request, context) {
      const caller = principalOf(context.values, "root_key");
      return { stoppedDeploymentIds: [...await deleteEnvironment(deps, caller, request)] };
    },
    async setSize({ projectId, environmentSlug, size, reset }, context) {
      const caller = principalOf(context.values, "root_key");
      return { size: await setSize(deps, caller, { projectId, environmentSlug, size, reset }) };
    },
    async setIdleEnd({ projectId, environmentSlug, seconds }, context) {
      const caller = principalOf(context.values, "root_key");
      const given = seconds === undefined ? undefined : Number(seconds);
      const request = { projectId, environmentSlug, seconds: given };
      return { seconds: BigInt(await setEnvironmentIdleEnd(deps, caller, request)) };
    },
    async setAppSettings({ projectId, environmentSlug, settings, reset }, context) {
      const caller = principalOf(context.values, "root_key");
      const request = { projectId, environmentSlug, settings: decodeApp(settings), reset };
      return { settings: encodeApp(await setAppSettings(deps, caller, request)) };
    },
    async getAppSettings(request, context) {
      const { settings, size } = await getAppSettings(deps, principalOf(context.values, "root_key"), request);
      return { settings: encodeApp(settings), size };
    },
  };
}
