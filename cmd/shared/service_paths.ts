/** Where the service is on a machine. */
import { SERVICE_DATA_FOLDER } from "./local_platform.ts";

export const PROGRAM = "/usr/local/bin/unkey";
export const SETTINGS_FOLDER = "/etc/unkey";
export const SETTINGS_FILE = `${SETTINGS_FOLDER}/up.env`;
export const DATA_FOLDER = SERVICE_DATA_FOLDER;
export const CACHE_FOLDER = "/var/cache/unkey";
export const UNIT_FOLDER = "/etc/systemd/system";

export const PLATFORM_UNIT = "unkey.service";
export const SOCKET_UNIT = "unkey-edge.socket";
export const EDGE_UNIT = "unkey-edge.service";
/** Serves beside the edge while that is restarted. */
export const SECOND_EDGE_UNIT = "unkey-edge-next.service";
