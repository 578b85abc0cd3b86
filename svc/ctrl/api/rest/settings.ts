/** The routes of an environment's settings. Each one checks the body, calls a use case and builds the answer. */
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import type { DeploymentDeps } from "../../services/deployment/deps.ts";
import { getAppSettings, setAppSettings } from "../../services/environment/app_settings.ts";
import { setSize } from "../../services/environment/set_size.ts";
import { wireApp, wireSize } from "./app_body.ts";
import { readBody } from "./body.ts";
import { type Answer, ENVIRONMENT_MISSING, saying } from "./deploy.ts";
import { environmentBody, setAppSettingsBody, setSizeBody } from "./schemas.ts";

export async function getAppSettingsRoute(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const named = await readBody(request, "/v2/deploy.getAppSettings", environmentBody);
  const { settings, size } = await getAppSettings(deps, caller, named)
    .catch(saying(ENVIRONMENT_MISSING, "environment_not_found"));
  return { status: 200, data: { settings, size } };
}

export async function setAppSettingsRoute(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const body = await readBody(request, "/v2/deploy.setAppSettings", setAppSettingsBody);
  const { projectId, environmentSlug, settings, reset = [] } = body;
  const order = {
    projectId,
    environmentSlug,
    settings: settings === undefined ? undefined : wireApp(settings),
    reset,
  };
  const now = await setAppSettings(deps, caller, order)
    .catch(saying(ENVIRONMENT_MISSING, "environment_not_found"));
  return { status: 200, data: { settings: now } };
}

export async function setSizeRoute(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const body = await readBody(request, "/v2/deploy.setSize", setSizeBody);
  const { projectId, environmentSlug, size, reset = false } = body;
  const order = { projectId, environmentSlug, size: size === undefined ? undefined : wireSize(size), reset };
  const now = await setSize(deps, caller, order).catch(saying(ENVIRONMENT_MISSING, "environment_not_found"));
  return { status: 200, data: { size: now } };
}
