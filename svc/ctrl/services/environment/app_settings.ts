import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import {
  type AppSettings,
  decodeAppSettings,
  encodeAppSettings,
  mergeApps,
} from "../../internal/deployments/app/settings.ts";
import {
  decodeSizeSettings,
  resolveSize,
  type Size,
  type SizeLimits,
} from "../../internal/deployments/size.ts";
import {
  type CtrlDatabase,
  lockEnvironment,
  recordAudit,
  setEnvironmentAppSettings,
} from "../../internal/store/mod.ts";
import { type AppLimits, appSettings, type WireApp } from "../../internal/validate/app.ts";
import { invalid } from "../../internal/validate/mod.ts";

export interface AppSettingsDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly sizes: SizeLimits;
  readonly apps: AppLimits;
}

interface EnvironmentName {
  readonly projectId: string;
  readonly environmentSlug: string;
}

export interface SetAppSettingsRequest extends EnvironmentName {
  readonly settings: WireApp | undefined;
  /** The settings to forget first; `*`: all. */
  readonly reset: readonly string[];
}

/**
 * Sets how the environment's later deployments are run, and returns all that it has now.
 *
 * @throws `not_found`, `permission_denied`; `invalid_argument` for a value that is not allowed
 */
export async function setAppSettings(
  { db, clock, apps }: AppSettingsDeps,
  caller: RootKeyPrincipal,
  request: SetAppSettingsRequest,
): Promise<AppSettings> {
  const project = await requireProject({ db }, caller, {
    id: request.projectId,
    action: "scale_environment",
  });
  const environment = await requireEnvironment({ db }, project, request.environmentSlug);
  const given = appSettings("settings", request.settings, apps);
  const reset = namesToReset(request.reset);
  const nowMs = clock.now();
  return await transact(db, async (tx) => {
    const row = await lockEnvironment(tx, environment.id);
    if (row === undefined) throw publicFault("not_found", `Environment "${environment.slug}" was deleted.`);
    const former = Object.entries(decodeAppSettings(row.app_settings));
    const kept = Object.fromEntries(former.filter(([name]) => !reset.has(name)));
    const settings = mergeApps(kept, given);
    await setEnvironmentAppSettings(tx, { id: row.id, settings: encodeAppSettings(settings), nowMs });
    await recordAudit(tx, {
      workspaceId: caller.workspaceId,
      actor: actorOf(caller),
      action: "environment.settings",
      resource: { type: "environment", id: row.id },
      projectId: project.id,
      environmentId: row.id,
      facts: { set: Object.keys(given).join(", "), reset: [...reset].join(", ") },
      nowMs,
    });
    return settings;
  });
}

/** The settings and the size of the environment's later deployments. @throws `not_found`, `permission_denied` */
export async function getAppSettings(
  { db, sizes }: AppSettingsDeps,
  caller: RootKeyPrincipal,
  request: EnvironmentName,
): Promise<{ readonly settings: AppSettings; readonly size: Size }> {
  const project = await requireProject({ db }, caller, { id: request.projectId, action: "read_deployment" });
  const environment = await requireEnvironment({ db }, project, request.environmentSlug);
  return {
    settings: decodeAppSettings(environment.app_settings),
    size: resolveSize(sizes, decodeSizeSettings(environment.size)),
  };
}

/** The names of settings in `unkey.json`. */
const FILE_NAMES = {
  port: "port",
  command: "command",
  healthCheck: "healthCheck",
  startTimeout: "startSeconds",
  stopSignal: "stopSignal",
  stopTimeout: "stopSeconds",
  ephemeralStorage: "ephemeralStorageMib",
  regions: "regions",
  init: "init",
  openapiPath: "openapiPath",
  releaseCommand: "releaseCommand",
  releaseTimeout: "releaseSeconds",
} as const satisfies Readonly<Record<string, keyof AppSettings>>;

/** @throws `invalid_argument` for a name that is no setting's */
function namesToReset(names: readonly string[]): ReadonlySet<string> {
  const known = new Map<string, string>(Object.entries(FILE_NAMES));
  if (names.includes("*")) return new Set(known.values());
  return new Set(names.map((name) => {
    const setting = known.get(name);
    if (setting !== undefined) return setting;
    throw invalid("reset", `must be among ${[...known.keys()].join(", ")}, *`, name);
  }));
}
