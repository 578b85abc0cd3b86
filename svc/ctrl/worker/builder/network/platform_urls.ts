import { databaseEndpoint } from "../../../../../pkg/db/mod.ts";
import { socketOf } from "../../../../../pkg/unix_http/mod.ts";
import type { WorkerConfig } from "../../config/config.ts";

/** The settings that tell where the platform's own services are. */
export type PlatformConfig = Pick<
  WorkerConfig,
  | "restateAdminUrl"
  | "restateUrl"
  | "restateApiKey"
  | "buildFilesUrl"
  | "buildS3Url"
  | "databasePrimary"
  | "databaseReplica"
>;

/** URLs of the services that no build may reach, without credentials and paths. */
export function platformUrls(config: PlatformConfig): readonly string[] {
  const { restateAdminUrl, restateApiKey, restateUrl, buildFilesUrl, buildS3Url } = config;
  const { databasePrimary, databaseReplica } = config;
  // With a key it is a server that protects itself; no build reaches a socket of this machine.
  const restate = restateApiKey === undefined ? [restateAdminUrl, restateUrl].filter(isNoSocket) : [];
  const urls = [...restate, buildFilesUrl, buildS3Url].flatMap((each) => each ?? []);
  const databases = [databasePrimary, databaseReplica].flatMap((url) => {
    const place = url && databaseEndpoint(url);
    // A database answers HTTP with an error, too.
    return place === undefined ? [] : [`http://${hostInUrl(place.host)}:${place.port}`];
  });
  return [...new Set([...urls.map((each) => new URL(each).origin), ...databases])];
}

function hostInUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function isNoSocket(url: string): boolean {
  return socketOf(url) === undefined;
}
