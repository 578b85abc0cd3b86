import {
  type ConfigOf,
  field,
  portSchema,
  requiredTextSchema,
  secretField,
  textSchema,
} from "../../../pkg/config/mod.ts";
import { edgeFields } from "../config.ts";

/** Every setting of `sentinel`. */
export const SENTINEL_FIELDS = {
  httpPort: field({
    flag: "http-port",
    env: "UNKEY_HTTP_PORT",
    help: "Port to serve the environment's apps on.",
    placeholder: "<port>",
    schema: portSchema(8040),
  }),
  ...edgeFields("SENTINEL"),
  controlPlaneBearer: secretField({
    env: "UNKEY_CONTROL_PLANE_BEARER",
    help: "The sentinel's token. It decides whose apps are served.",
    required: true,
  }),
  environmentId: field({
    flag: "environment-id",
    env: "UNKEY_ENVIRONMENT_ID",
    help: "The environment, for logs.",
    placeholder: "<id>",
    schema: requiredTextSchema(),
  }),
  sentinelId: field({
    flag: "sentinel-id",
    env: "UNKEY_SENTINEL_ID",
    help: "Name of this sentinel, for logs. Default: a new one at each start.",
    placeholder: "<id>",
    schema: textSchema(),
  }),
};

export type SentinelConfig = ConfigOf<typeof SENTINEL_FIELDS>;
