import { z } from "zod";
import type { Process } from "../../pkg/cli/mod.ts";
import { type ConfigOf, field, textSchema } from "../../pkg/config/mod.ts";
import { APP_FIELDS } from "../shared/app_fields.ts";
import { CONNECT_FIELDS } from "../shared/connect.ts";
import { CONTEXT_FIELDS } from "../shared/context/fields.ts";
import { FOLLOW_FIELDS } from "../shared/deploying/follow_fields.ts";
import type { Report } from "../shared/deploying/report.ts";
import { DEPLOY_STEPS_FIELDS } from "../shared/gradual_fields.ts";
import type { Place } from "../shared/place.ts";
import { ENVIRONMENT_FIELD, PROJECT_FIELD } from "../shared/project_fields.ts";
import { SIZE_FIELDS } from "../shared/size_fields.ts";
import { BUILD_FIELDS } from "./build_fields.ts";

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
  ...APP_FIELDS,
  protocol: field({
    flag: "protocol",
    env: "UNKEY_APP_PROTOCOL",
    file: "protocol",
    placeholder: "<http1|h2c>",
    help: "Protocol that the app speaks: http1, or h2c for HTTP/2 without TLS, such as gRPC.",
    schema: z.enum(["http1", "h2c"], { error: 'must be "http1" or "h2c"' }).default("http1"),
  }),
  ...SIZE_FIELDS,
  ...DEPLOY_STEPS_FIELDS,
  ...FOLLOW_FIELDS,
};

export interface DeployOptions {
  readonly config: ConfigOf<typeof DEPLOY_FIELDS>;
  readonly place: Place;
  readonly process: Process;
  readonly report: Report;
}
