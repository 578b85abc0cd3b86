/** The health check of an app, as flags and `unkey.json` have it. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type ConfigOf, field, listField, parsedSchema } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import {
  HealthCheckSettings_Kind as Kind,
  type HealthCheckSettingsSchema,
} from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { optionalDurationField } from "./duration_field.ts";

const SECOND_MS = 1_000;
const KINDS = { port: Kind.PORT, http: Kind.HTTP, image: Kind.IMAGE, none: Kind.NONE } as const;

/** The words of `--health-check-type`. */
export const HEALTH_CHECK_TYPES = ["port", "http", "image", "none"] as const;

/** Fields whose values are absent where nothing is given. */
export const HEALTH_CHECK_FIELDS = {
  healthCheckPath: field({
    flag: "health-check-path",
    env: "UNKEY_HEALTH_CHECK_PATH",
    file: "healthCheck.path",
    placeholder: "<url-path>",
    help:
      "HTTP path that answers 2xx or 3xx when the app is healthy. Default: the image's HEALTHCHECK, else the port accepts connections.",
    schema: parsedSchema((text) => /^\/[\x21-\x7e]*$/.test(text) ? text : undefined, "must begin with /"),
  }),
  healthCheckType: field({
    flag: "health-check-type",
    env: "UNKEY_HEALTH_CHECK_TYPE",
    file: "healthCheck.type",
    placeholder: "<type>",
    help:
      "Port: it accepts connections; http: a path answers; image: the command of its HEALTHCHECK succeeds; none: an app without a port, such as a worker, is ready when it has run for --start-timeout (default 10s).",
    schema: parsedSchema(
      (text) => HEALTH_CHECK_TYPES.find((each) => each === text),
      `must be one of ${HEALTH_CHECK_TYPES.join(", ")}`,
    ),
  }),
  healthCheckMethod: field({
    flag: "health-check-method",
    env: "UNKEY_HEALTH_CHECK_METHOD",
    file: "healthCheck.method",
    placeholder: "<method>",
    help: "GET or HEAD. Default: GET.",
    schema: parsedSchema(
      (text) => /^(?:GET|HEAD)$/i.test(text) ? text.toUpperCase() : undefined,
      "must be GET or HEAD",
    ),
  }),
  healthCheckHost: field({
    flag: "health-check-host",
    env: "UNKEY_HEALTH_CHECK_HOST",
    file: "healthCheck.host",
    placeholder: "<name>",
    help: "Host header of the health check. Default: the app's own host name.",
    schema: parsedSchema(
      (text) => /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::\d{1,5})?$/i.test(text) ? text : undefined,
      "must be a host name",
    ),
  }),
  healthCheckHeaders: listField({
    flag: "health-check-header",
    env: "UNKEY_HEALTH_CHECK_HEADERS",
    file: "healthCheck.headers",
    placeholder: "<name:value>",
    help: "Another header of the health check. Repeatable.",
    parse: parseHeaders,
  }),
  healthCheckExpect: field({
    flag: "health-check-expect",
    env: "UNKEY_HEALTH_CHECK_EXPECT",
    file: "healthCheck.expect",
    placeholder: "<codes>",
    help: "Status codes of a healthy app, e.g. 200,401. Default: 200-399.",
    schema: parsedSchema(
      (text) => /^[1-5]\d\d(?:-[1-5]\d\d)?(?:,[1-5]\d\d(?:-[1-5]\d\d)?)*$/.test(text) ? text : undefined,
      "must be status codes and ranges such as 200-399 or 200,401",
    ),
  }),
  healthCheckIntervalMs: optionalDurationField(300 * SECOND_MS, {
    flag: "health-check-interval",
    env: "UNKEY_HEALTH_CHECK_INTERVAL",
    file: "healthCheck.interval",
    help: "From one health check of a healthy app to the next. Default: 1s, on Kubernetes 2s.",
  }),
  healthCheckTimeoutMs: optionalDurationField(60 * SECOND_MS, {
    flag: "health-check-timeout",
    env: "UNKEY_HEALTH_CHECK_TIMEOUT",
    file: "healthCheck.timeout",
    help: "Longest wait for the answer to a health check. Default: 3s.",
  }),
  unhealthyAfterMs: optionalDurationField(3_600 * SECOND_MS, {
    flag: "unhealthy-after",
    env: "UNKEY_UNHEALTHY_AFTER",
    file: "healthCheck.unhealthyAfter",
    help: "How long health checks fail until other instances get the requests. Default: 5s.",
  }),
  restartAfterMs: optionalDurationField(3_600 * SECOND_MS, {
    flag: "restart-after",
    env: "UNKEY_RESTART_AFTER",
    file: "healthCheck.restartAfter",
    help: "How long health checks fail until the app is restarted. Default: 1m.",
  }),
};

export type HealthCheckConfig = ConfigOf<typeof HEALTH_CHECK_FIELDS>;

/** The last value of a name holds. */
function parseHeaders(values: readonly string[]): readonly (readonly [name: string, value: string])[] {
  const headers = new Map<string, string>();
  for (const value of values) {
    const [, name, text] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([\x20-\x7e]*)$/.exec(value) ?? [];
    if (name === undefined || text === undefined) {
      throw publicFault(
        "invalid_argument",
        `must be headers like "X-Probe: 1": "${value.slice(0, 80)}" is none`,
      );
    }
    headers.set(name.toLowerCase(), text);
  }
  return [...headers];
}

/** The message, or `undefined` when nothing is set. */
export function healthCheckOf(
  config: HealthCheckConfig,
): MessageInitShape<typeof HealthCheckSettingsSchema> | undefined {
  const { healthCheckType: type, healthCheckPath: path = "", healthCheckMethod: method = "" } = config;
  const { healthCheckHost: host = "", healthCheckHeaders: headers, healthCheckExpect: expectedStatus = "" } =
    config;
  const seconds = (ms = 0): number => Math.ceil(ms / SECOND_MS);
  const check = {
    kind: type === undefined ? Kind.UNSPECIFIED : KINDS[type],
    path,
    method,
    host,
    headers: Object.fromEntries(headers),
    expectedStatus,
    intervalSeconds: seconds(config.healthCheckIntervalMs),
    timeoutSeconds: seconds(config.healthCheckTimeoutMs),
    unhealthySeconds: seconds(config.unhealthyAfterMs),
    restartSeconds: seconds(config.restartAfterMs),
  };
  const isSet = Object.values(check).some((value) =>
    typeof value === "object" ? Object.keys(value).length > 0 : value !== 0 && value !== ""
  );
  return isSet ? check : undefined;
}
