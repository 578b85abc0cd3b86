import { socketOf } from "../../../../../pkg/unix_http/mod.ts";
import type { WorkerConfig } from "../../config/config.ts";

/** The settings that tell where the platform's own services are. */
export type PlatformConfig = Pick<
  WorkerConfig,
  "restateAdminUrl" | "restateUrl" | "restateApiKey" | "buildFilesUrl" | "buildS3Url" | "databasePrimary"
>;

const MYSQL_PORT = "3306";

/** URLs of the services that no build may reach, without credentials and paths. */
export function platformUrls(config: PlatformConfig): readonly string[] {
  const { restateAdminUrl, restateApiKey, restateUrl, buildFilesUrl, buildS3Url, databasePrimary } = config;
  // With a key it is a server that protects itself; no build reaches a socket of this machine.
  const restate = restateApiKey === undefined ? [restateAdminUrl, restateUrl].filter(isNoSocket) : [];
  const urls = [...restate, buildFilesUrl, buildS3Url].flatMap((each) => each ?? []);
  const database = URL.parse(databasePrimary.reveal());
  const mysql = database?.protocol === "mysql:"
    // A database answers HTTP with an error, too.
    ? [`http://${database.hostname}:${database.port || MYSQL_PORT}`]
    : [];
  return [...new Set([...urls.map((each) => new URL(each).origin), ...mysql])];
}

function isNoSocket(url: string): boolean {
  return socketOf(url) === undefined;
}
