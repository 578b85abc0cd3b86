/** Notices about an image whose settings are used, or mean less here than its author may think. Pure. */
import type { ImageConfig } from "../../../../../pkg/registry/mod.ts";
import { volumeNotice } from "../../../../../pkg/build/explain/mod.ts";
import { portOf } from "./resolve.ts";
import type { AppSettings } from "./settings.ts";

/** A sentence or two for each, mostly none. */
export function imageNotices(settings: AppSettings, image: ImageConfig): readonly string[] {
  return [
    ...portNotices(settings, image),
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

function checkNotices(
  { healthCheck = {} }: AppSettings,
  { healthCheck: own }: ImageConfig,
): readonly string[] {
  if (own === undefined || healthCheck.kind !== undefined || healthCheck.path !== undefined) return [];
  return [
    "The image's HEALTHCHECK is the app's health check. Another one: --health-check-path, or healthCheck in unkey.json.",
  ];
}
