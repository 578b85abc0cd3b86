import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
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
import { encodeScaling } from "../../internal/scaling/mod.ts";
import {
  type CtrlDatabase,
  followSleepTimes,
  lockEnvironment,
  recordAudit,
  scaleEnvironment,
  setEnvironmentAppSettings,
} from "../../internal/store/mod.ts";
import { type AppLimits, appSettings, type WireApp } from "../../internal/validate/app.ts";
import { wholeScaling } from "../../internal/validate/scaling.ts";
import { invalid } from "../../internal/validate/mod.ts";

export interface AppSettingsDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly sizes: SizeLimits;
  readonly apps: AppLimits;
  readonly notifier: ChangeNotifier;
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
 * Sets how the environment's later deployments are run, and returns all that it has now. Bounds and targets of the number of
 * instances, and the time after which it sleeps, hold for running deployments, too, unless they have their own.
 *
 * @throws `not_found`, `permission_denied`; `invalid_argument` for a value that is not allowed
 */
export async function setAppSettings(
  { db, clock, apps, notifier }: AppSettingsDeps,
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
  const { settings, regions } = await transact(db, async (tx) => {
    const row = await lockEnvironment(tx, environment.id);
    if (row === undefined) throw publicFault("not_found", `Environment "${environment.slug}" was deleted.`);
    const former = Object.entries(decodeAppSettings(row.app_settings));
    const kept: AppSettings = Object.fromEntries(former.filter(([name]) => !reset.has(name)));
    const settings = withScaling(mergeApps(kept, given), kept, given);
    await setEnvironmentAppSettings(tx, { id: row.id, settings: encodeAppSettings(settings), nowMs });
    await recordAudit(tx, {
      workspaceId: caller.workspaceId,
      actor: actorOf(caller),
      action: "environment.settings",
      resource: { type: "environment", id: row.id },
      projectId: project.id,
      environmentId: row.id,
      facts: {
        set: Object.keys(given).join(", "),
        reset: [...reset].join(", "),
        ...(settings.scaling === undefined ? {} : { scaling: encodeScaling(settings.scaling) }),
      },
      nowMs,
    });
    const { scaling } = settings;
    const isScaled = given.scaling !== undefined || reset.has("scaling");
    const regions = isScaled
      ? await scaleEnvironment(tx, { environmentId: row.id, settings: scaling, nowMs })
      : [];
    const sleeps = given.sleepSeconds !== undefined || reset.has("sleepSeconds");
    const woken = sleeps ? await followSleepTimes(tx, { environmentId: row.id, nowMs }) : [];
    return { settings, regions: [...new Set([...regions, ...woken])] };
  });
  notifier.changed(regions);
  return settings;
}

/** Each value of the scaling that is given replaces the one that is kept. @throws `invalid_argument` for half of it */
function withScaling(settings: AppSettings, kept: AppSettings, given: AppSettings): AppSettings {
  if (given.scaling === undefined) return settings;
  const scaling = { ...kept.scaling, ...given.scaling };
  wholeScaling("settings.scaling", scaling);
  return { ...settings, scaling };
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
  scaling: "scaling",
  crons: "crons",
  sleepAfter: "sleepSeconds",
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
