import { z } from "zod";
import type { Process } from "../../pkg/cli/mod.ts";
import { type ConfigOf, durationSchema, field, integerSchema, textSchema } from "../../pkg/config/mod.ts";
import { CONNECT_FIELDS } from "../shared/connect.ts";
import { CONTEXT_FIELDS } from "../shared/context/fields.ts";
import { FOLLOW_FIELDS } from "../shared/deploying/follow_fields.ts";
import type { Report } from "../shared/deploying/report.ts";
import type { Place } from "../shared/place.ts";
import { ENVIRONMENT_FIELD, PROJECT_FIELD } from "../shared/project_fields.ts";
import { SIZE_FIELDS } from "../shared/size_fields.ts";
import { BUILD_FIELDS } from "./build_fields.ts";

/** The control plane takes no more. */
const START_MS_MAX = 540_000;

/** Every setting of `deploy`. */
export const DEPLOY_FIELDS = {
  ...CONNECT_FIELDS,
  project: {
    ...PROJECT_FIELD,
    help: "Project to deploy to. Default: the one called like the folder, else the only one.",
  },
  environment: { ...ENVIRONMENT_FIELD, help: "Environment to deploy to." },
  image: field({
    flag: "image",
    env: "UNKEY_IMAGE",
    placeholder: "<reference>",
    help: "Deploy this image instead of building the folder.",
    schema: textSchema(),
  }),
  ...CONTEXT_FIELDS,
  ...BUILD_FIELDS,
  branch: field({
    flag: "branch",
    env: "UNKEY_BRANCH",
    placeholder: "<name>",
    help: "Branch to name the deployment by. Default: the repository's.",
    schema: textSchema(),
  }),
  port: field({
    flag: "port",
    env: "UNKEY_APP_PORT",
    file: "port",
    placeholder: "<port>",
    help: "Port that the app listens on; it also gets it as PORT.",
    schema: integerSchema(8080, 1, 65_535),
  }),
  healthCheckPath: field({
    flag: "health-check-path",
    env: "UNKEY_HEALTH_CHECK_PATH",
    file: "healthCheckPath",
    placeholder: "<url-path>",
    help: "HTTP path that answers 2xx or 3xx when the app is healthy. Default: the port accepts connections.",
    schema: z.string().default("").refine((path) => path === "" || path.startsWith("/"), {
      message: "must begin with /",
    }),
  }),
  protocol: field({
    flag: "protocol",
    env: "UNKEY_APP_PROTOCOL",
    file: "protocol",
    placeholder: "<http1|h2c>",
    help: "Protocol that the app speaks: http1, or h2c for HTTP/2 without TLS, such as gRPC.",
    schema: z.enum(["http1", "h2c"], { error: 'must be "http1" or "h2c"' }).default("http1"),
  }),
  startTimeoutMs: field({
    flag: "start-timeout",
    env: "UNKEY_START_TIMEOUT",
    file: "startTimeout",
    placeholder: "<duration>",
    help:
      "How long the app has to listen, or to be healthy, e.g. 90s or 5m. Default: the operator's, mostly 60s.",
    schema: startTimeoutSchema(),
  }),
  ...SIZE_FIELDS,
  ...FOLLOW_FIELDS,
};

/** `undefined` when nothing is given. */
function startTimeoutSchema(): z.ZodType<number | undefined> {
  const given = durationSchema({ fallback: "1s", minMs: 1_000, maxMs: START_MS_MAX });
  return z.string().optional().transform((text, context): number | undefined => {
    if (text === undefined) return undefined;
    const parsed = given.safeParse(text);
    if (parsed.success) return parsed.data;
    context.addIssue({ code: "custom", message: parsed.error.issues[0]?.message ?? "is not valid" });
    return z.NEVER;
  });
}

export interface DeployOptions {
  readonly config: ConfigOf<typeof DEPLOY_FIELDS>;
  readonly place: Place;
  readonly process: Process;
  readonly report: Report;
}
