/** The time without a request after which a deployment sleeps. */
import { PRODUCTION_SLUG } from "./host_label.ts";
import { decodeAppSettings, decodeAppSnapshot, settingsOf } from "./app/settings.ts";

/** Edges report requests within 45 s, so that a shorter time would mean nothing. */
export const SLEEP_SECONDS_MIN = 60;
export const SLEEP_SECONDS_MAX = 30 * 86_400;

/** The settings that the time of a deployment follows from. */
export interface SleepSources {
  readonly environmentSlug: string;
  /** The columns `app_settings`. */
  readonly environmentSettings: string | null;
  readonly deploymentSettings: string | null;
}

/** A time that holds, and where it comes from. */
export interface SleepTime {
  readonly seconds: number;
  readonly isOwn: boolean;
}

/**
 * `undefined`: it never sleeps. A file of the project has one value for all environments, so that production follows only the
 * setting that was made for it. An app without a port gets no requests that could wake it.
 */
export function sleepTimeOf(sources: SleepSources): SleepTime | undefined {
  const snapshot = decodeAppSnapshot(sources.deploymentSettings);
  if (snapshot !== undefined && settingsOf(snapshot).healthCheck?.kind === "none") return undefined;
  const shared = decodeAppSettings(sources.environmentSettings).sleepSeconds;
  const own = sources.environmentSlug === PRODUCTION_SLUG ? undefined : snapshot?.own.sleepSeconds;
  const seconds = own ?? shared ?? 0;
  return seconds === 0 ? undefined : { seconds, isOwn: own !== undefined };
}

/** A sleep as it is shown. */
export interface Sleep {
  readonly sinceMs: number;
  /** It was woken, and none of its instances runs yet. */
  readonly isWaking: boolean;
}
