import { z } from "zod";
import { field, integerSchema, switchField, textSchema } from "../../pkg/config/mod.ts";
import { CONNECT_FIELDS } from "../shared/connect.ts";
import { BUILD_FIELDS } from "./build_fields.ts";

const WAIT_SECONDS = 1_800;
const WAIT_SECONDS_MAX = 86_400;

/** Settings of every command that makes a deployment and follows it. */
export const FOLLOW_FIELDS = {
  waitSeconds: field({
    flag: "wait-timeout",
    env: "UNKEY_WAIT_TIMEOUT",
    placeholder: "<seconds>",
    help: "How long to wait for the end. The deployment goes on after that.",
    schema: integerSchema(WAIT_SECONDS, 1, WAIT_SECONDS_MAX),
  }),
  detach: switchField({
    flag: "detach",
    env: "UNKEY_DETACH",
    help: "Return as soon as the deployment is created.",
  }),
  json: switchField({
    flag: "json",
    env: "UNKEY_JSON",
    help: "Print one JSON object with the result, also when it fails.",
  }),
  yes: switchField({ flag: "yes", env: "UNKEY_YES", help: "Ask nothing; the same as --no-input." }),
  noInput: switchField({ flag: "no-input", env: "UNKEY_NO_INPUT", help: "Ask nothing." }),
};

/** Every setting of `deploy`. */
export const DEPLOY_FIELDS = {
  ...CONNECT_FIELDS,
  project: field({
    flag: "project",
    env: "UNKEY_PROJECT",
    file: "project",
    placeholder: "<slug or id>",
    help: "Project to deploy to. Default: the one called like the folder, else the only one.",
    schema: textSchema(),
  }),
  environment: field({
    flag: "env",
    env: "UNKEY_ENVIRONMENT",
    file: "environment",
    placeholder: "<slug>",
    help: "Environment to deploy to.",
    schema: textSchema("preview"),
  }),
  image: field({
    flag: "image",
    env: "UNKEY_IMAGE",
    placeholder: "<reference>",
    help: "Deploy this image instead of building the folder.",
    schema: textSchema(),
  }),
  dockerfile: field({
    flag: "dockerfile",
    env: "UNKEY_DOCKERFILE",
    file: "dockerfile",
    placeholder: "<path>",
    help: "Dockerfile, relative to the folder or to where you are; it may be outside of the folder. " +
      "Its own <path>.dockerignore goes before .dockerignore. Default: Dockerfile.",
    schema: textSchema(),
  }),
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
    placeholder: "<path>",
    help: "HTTP path that answers 2xx or 3xx when the app is healthy. Default: the port accepts connections.",
    schema: z.string().default("").refine((path) => path === "" || path.startsWith("/"), {
      message: "must begin with /",
    }),
  }),
  ...FOLLOW_FIELDS,
};
