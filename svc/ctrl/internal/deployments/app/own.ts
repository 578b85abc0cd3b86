import { decodeStrings } from "../../json.ts";
import { type AppSettings, decodeAppSnapshot } from "./settings.ts";

/** The columns of a deployment that say how its app is run. */
export interface SettingsRow {
  readonly app_settings: string | null;
  readonly port: number;
  readonly command: string;
  readonly health_check_path: string;
  readonly start_seconds: number;
}

/** The settings that the deployment's request made, which a repeated deployment makes again. */
export function ownSettings(row: SettingsRow): AppSettings {
  return decodeAppSnapshot(row.app_settings)?.own ?? olderSettings(row);
}

/** The settings of a deployment that an older version made: its columns have them all, and its image was not asked. */
function olderSettings(row: SettingsRow): AppSettings {
  const command = decodeStrings(row.command);
  return {
    port: row.port,
    ...(command.length === 0 ? {} : { command }),
    healthCheck: row.health_check_path === ""
      ? { kind: "port" }
      : { kind: "http", path: row.health_check_path },
    init: false,
    ...(row.start_seconds === 0 ? {} : { startSeconds: row.start_seconds }),
  };
}
