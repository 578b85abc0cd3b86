import type { ServiceImpl } from "@connectrpc/connect";
import {
  type CreateShareLinkRequest,
  type EnvironmentService,
  EnvironmentType,
  type SetProtectionRequest,
} from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { principalOf } from "../../internal/auth/principal.ts";
import { decodeApp, encodeApp } from "../../internal/deployments/app/wire.ts";
import { encodeProtection } from "../../internal/protection/mod.ts";
import { invalid } from "../../internal/validate/mod.ts";
import { type AppSettingsDeps, getAppSettings, setAppSettings } from "./app_settings.ts";
import { applyEnvironment } from "./apply_environment.ts";
import { createEnvironment, type EnvironmentDeps } from "./create.ts";
import { deleteEnvironment } from "./delete.ts";
import { type PlanDeps, planEnvironment } from "./plan_environment.ts";
import { decodeWanted, encodePlan } from "./plan_wire.ts";
import type { ProtectionDeps } from "./protection_deps.ts";
import { revokeShareLinks } from "./revoke_links.ts";
import { setEnvironmentIdleEnd, type SetIdleEndDeps } from "./set_idle_end.ts";
import { type ProtectionChange, setProtection } from "./set_protection.ts";
import { setSize, type SetSizeDeps } from "./set_size.ts";
import { createShareLink, type ShareLinkRequest } from "./share_link.ts";

/** Adapts the environment use cases to `ctrl.v1.EnvironmentService`. */
export function environmentHandlers(
  deps: EnvironmentDeps & SetSizeDeps & SetIdleEndDeps & AppSettingsDeps & ProtectionDeps & PlanDeps,
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
    async setProtection({ projectId, environmentSlug, change }, context) {
      const caller = principalOf(context.values, "root_key");
      const request = { projectId, environmentSlug, change: decodeChange(change) };
      const { password = "", environments } = await setProtection(deps, caller, request);
      return {
        password,
        environments: environments.map(({ slug, protection }) => ({
          environmentSlug: slug,
          protection: encodeProtection(protection),
        })),
      };
    },
    async createShareLink({ projectId, target, validSeconds }, context) {
      const caller = principalOf(context.values, "root_key");
      const request = { projectId, target: decodeTarget(target), validSeconds: Number(validSeconds) };
      const { token, urls, endsAtMs } = await createShareLink(deps, caller, request);
      return { token, urls: [...urls], endsAt: BigInt(endsAtMs) };
    },
    async revokeShareLinks(request, context) {
      const caller = principalOf(context.values, "root_key");
      return { environmentSlugs: [...await revokeShareLinks(deps, caller, request)] };
    },
    async planEnvironment({ projectId, environmentSlug, wanted }, context) {
      const caller = principalOf(context.values, "root_key");
      const request = { projectId, environmentSlug, wanted: decodeWanted(wanted) };
      return { plan: encodePlan(await planEnvironment(deps, caller, request)) };
    },
    async applyEnvironment({ projectId, environmentSlug, wanted, fingerprint }, context) {
      const caller = principalOf(context.values, "root_key");
      const request = { projectId, environmentSlug, wanted: decodeWanted(wanted), fingerprint };
      return { plan: encodePlan(await applyEnvironment(deps, caller, request)) };
    },
  };
}

/** @throws `invalid_argument` where no change is given */
function decodeChange({ case: kind, value }: SetProtectionRequest["change"]): ProtectionChange {
  if (kind === "password") return { kind, password: value };
  if ((kind === "generate" || kind === "off") && value) return { kind };
  throw invalid("change", "must be a password, generate or off");
}

/** @throws `invalid_argument` where no target is given */
function decodeTarget({ case: kind, value }: CreateShareLinkRequest["target"]): ShareLinkRequest["target"] {
  if (kind === "environmentSlug") return { kind: "environment", slug: value };
  if (kind === "deploymentId") return { kind: "deployment", id: value };
  throw invalid("target", "must be an environment_slug or a deployment_id");
}
