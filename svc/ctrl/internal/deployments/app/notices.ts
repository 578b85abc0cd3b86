/** Notices about an image whose settings are used, or mean less here than its author may think. Pure. */
import type { ImageConfig } from "../../../../../pkg/registry/mod.ts";
import { volumeNotice } from "../../../../../pkg/build/explain/mod.ts";
import { portOf } from "./resolve.ts";
import type { AppSettings } from "./settings.ts";

/** A sentence or two for each, mostly none. @param livePort of the environment's live deployment; absent: it has none */
export function imageNotices(
  settings: AppSettings,
  image: ImageConfig,
  livePort?: number,
): readonly string[] {
  return [
    ...portNotices(settings, image),
    ...portChangeNotices(settings, image, livePort),
    ...(image.volumes.length === 0 ? [] : [volumeNotice(image.volumes)]),
    ...checkNotices(settings, image),
  ];
}

const PORTS_SHOWN_MAX = 5;

function portNotices(settings: AppSettings, image: ImageConfig): readonly string[] {
  const { exposedPorts: exposed } = image;
  if (settings.port !== undefined || exposed.length === 0) return [];
  const port = portOf(settings, image);
  const ports = exposed.slice(0, PORTS_SHOWN_MAX).join(", ");
  return [
    exposed.length === 1
      ? `The image exposes port ${port}: requests go there, and the app gets PORT=${port}.`
      : `The image exposes the ports ${ports}: requests go to ${port}, and the app gets PORT=${port}. ` +
        "Another one: --port, or port in unkey.json.",
  ];
}

/** Before images were read, each app without a setting got its requests on port 8080. */
function portChangeNotices(
  settings: AppSettings,
  image: ImageConfig,
  livePort: number | undefined,
): readonly string[] {
  const port = portOf(settings, image);
  const isSame = livePort === undefined || livePort === port;
  if (settings.port !== undefined || settings.healthCheck?.kind === "none" || isSame) return [];
  return [
    `The live deployment gets its requests on port ${livePort}, this one on ${port}. If the app listens on ${livePort} ` +
    `whatever PORT says: --port ${livePort}, or "port": ${livePort} in unkey.json.`,
  ];
}

function checkNotices(
  { healthCheck = {} }: AppSettings,
  { healthCheck: own }: ImageConfig,
): readonly string[] {
  if (own === undefined || healthCheck.kind !== undefined || healthCheck.path !== undefined) return [];
  return [
    "The image's HEALTHCHECK is the app's health check. Another one: --health-check-path, or healthCheck in unkey.json.",
  ];
}
