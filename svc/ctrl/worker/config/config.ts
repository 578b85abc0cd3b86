import { z } from "zod";
import {
  type ConfigOf,
  field,
  integerSchema,
  listSchema,
  optionalUrlSchema,
  portSchema,
  secretField,
  switchField,
  textSchema,
  urlSchema,
} from "../../../../pkg/config/mod.ts";
import { BUILD_FIELDS, buildProblems } from "./build.ts";
import { BUILDER_FIELDS, builderProblems } from "./builder.ts";
import { DEADLINE_FIELDS } from "./deadlines.ts";
import { QUEUE_FIELDS } from "./queue.ts";
import { RESTATE_FIELDS, restateProblems } from "./restate.ts";
import { SENTINEL_FIELDS } from "./sentinels.ts";

const DOMAIN = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
/** Leaves room for the label in front of it. */
const DOMAIN_LENGTH_MAX = 189;

/** Every setting of `ctrl worker`. */
export const WORKER_FIELDS = {
  databasePrimary: secretField({
    env: "UNKEY_DATABASE_PRIMARY",
    help: "Database: mysql://user:password@host:port/name or sqlite:///path/to/file.db.",
    required: true,
  }),
  migrate: switchField({
    flag: "migrate",
    env: "UNKEY_DATABASE_MIGRATE",
    help: "Bring the tables up to date at start.",
    default: true,
  }),
  authToken: secretField({
    env: "UNKEY_AUTH_TOKEN",
    help:
      "Service token, to wake api processes after a change. Without it they notice changes at their next poll.",
    required: false,
  }),
  ...RESTATE_FIELDS,
  httpPort: field({
    flag: "http-port",
    env: "UNKEY_WORKER_HTTP_PORT",
    placeholder: "<port>",
    help: "Port of the health checks.",
    schema: portSchema(7092),
  }),
  ...BUILDER_FIELDS,
  ...BUILD_FIELDS,
  ...QUEUE_FIELDS,
  buildS3Url: field({
    flag: "build-s3-url",
    env: "UNKEY_BUILD_S3_URL",
    placeholder: "<url>",
    help: "S3 endpoint for build contexts, as the control plane reaches it.",
    schema: optionalUrlSchema(),
  }),
  buildS3Region: field({
    flag: "build-s3-region",
    env: "UNKEY_BUILD_S3_REGION",
    placeholder: "<region>",
    help: "Region of the S3 endpoint, part of every signature.",
    schema: textSchema("auto"),
  }),
  buildS3Bucket: field({
    flag: "build-s3-bucket",
    env: "UNKEY_BUILD_S3_BUCKET",
    placeholder: "<name>",
    help: "Bucket for build contexts.",
    schema: textSchema(),
  }),
  buildS3AccessKeyId: secretField({
    env: "UNKEY_BUILD_S3_ACCESS_KEY_ID",
    help: "Access key of the bucket.",
    required: false,
  }),
  buildS3AccessKeySecret: secretField({
    env: "UNKEY_BUILD_S3_ACCESS_KEY_SECRET",
    help: "Secret of the access key.",
    required: false,
  }),
  buildFilesDir: field({
    flag: "build-files-dir",
    env: "UNKEY_BUILD_FILES_DIR",
    placeholder: "<folder>",
    help: "Folder for build contexts, instead of S3; the same one that the api has.",
    schema: textSchema(),
  }),
  buildFilesUrl: field({
    flag: "build-files-url",
    env: "UNKEY_BUILD_FILES_URL",
    placeholder: "<url>",
    help: "The api as this worker reaches it, for contexts in a folder.",
    schema: optionalUrlSchema(),
  }),
  buildFilesSigningKey: secretField({
    env: "UNKEY_BUILD_FILES_SIGNING_KEY",
    help:
      "Signs the URLs of contexts in a folder; the same as the api's. Derived from the master keys when absent.",
    required: false,
  }),
  vaultMasterKeys: secretField({
    env: "UNKEY_VAULT_MASTER_KEYS",
    help:
      "The api's master keys: for variables and secrets of builds, credentials of registries and sentinels, and the signing key " +
      "of a folder when that is absent.",
    required: false,
  }),
  availableRegions: field({
    flag: "available-regions",
    env: "UNKEY_AVAILABLE_REGIONS",
    placeholder: "<region,...>",
    help: "Regions that deployments go to.",
    schema: listSchema(["local.dev"]),
  }),
  defaultDomain: field({
    flag: "default-domain",
    env: "UNKEY_DEFAULT_DOMAIN",
    placeholder: "<domain>",
    help: "Host names of deployments end with it.",
    schema: domainSchema("localhost"),
  }),
  edgeUrl: field({
    flag: "edge-url",
    env: "UNKEY_EDGE_URL",
    placeholder: "<url>",
    help: "Scheme and port of the URLs that are shown; the host is the deployment's.",
    schema: urlSchema("http://localhost:7070"),
  }),
  ...DEADLINE_FIELDS,
  replicas: field({
    flag: "replicas",
    env: "UNKEY_DEPLOY_REPLICAS",
    placeholder: "<count>",
    help: "Instances per region of a new deployment.",
    schema: integerSchema(1, 1, 100),
  }),
  ...SENTINEL_FIELDS,
};

/** Parsed settings of `ctrl worker`. */
export type WorkerConfig = ConfigOf<typeof WORKER_FIELDS>;

/** A problem per pair of settings that do not go together; for `loadConfig`. */
export function checkWorkerConfig(config: WorkerConfig): readonly string[] {
  const problems: string[] = [];
  if (config.availableRegions.length === 0) {
    problems.push("--available-regions (UNKEY_AVAILABLE_REGIONS) names no region");
  }
  if (config.sentinelImage !== undefined && config.vaultMasterKeys === undefined) {
    problems.push("UNKEY_VAULT_MASTER_KEYS is required with --sentinel-image (UNKEY_SENTINEL_IMAGE)");
  }
  const [s3, files] = [config.buildS3Url !== undefined, config.buildFilesDir !== undefined];
  if (s3 === files) {
    const both = s3 ? "both are set" : "neither is set";
    problems.push(
      `exactly one of --build-s3-url (UNKEY_BUILD_S3_URL) and --build-files-dir (UNKEY_BUILD_FILES_DIR) is needed: ${both}`,
    );
  }
  problems.push(...restateProblems(config), ...builderProblems(config), ...buildProblems(config));
  return [...problems, ...(s3 ? s3Problems(config) : []), ...(files ? filesProblems(config) : [])];
}

function s3Problems(config: WorkerConfig): readonly string[] {
  const needed = {
    "--build-s3-bucket (UNKEY_BUILD_S3_BUCKET)": config.buildS3Bucket,
    "UNKEY_BUILD_S3_ACCESS_KEY_ID": config.buildS3AccessKeyId,
    "UNKEY_BUILD_S3_ACCESS_KEY_SECRET": config.buildS3AccessKeySecret,
  };
  return Object.entries(needed).filter(([, value]) => value === undefined)
    .map(([name]) => `${name} is required with --build-s3-url (UNKEY_BUILD_S3_URL)`);
}

function filesProblems(config: WorkerConfig): readonly string[] {
  const because = "is required with --build-files-dir (UNKEY_BUILD_FILES_DIR)";
  const problems: string[] = [];
  if (config.buildFilesUrl === undefined) {
    problems.push(`--build-files-url (UNKEY_BUILD_FILES_URL) ${because}`);
  }
  if (config.buildFilesSigningKey === undefined && config.vaultMasterKeys === undefined) {
    problems.push(`UNKEY_BUILD_FILES_SIGNING_KEY ${because}, unless UNKEY_VAULT_MASTER_KEYS is set`);
  }
  return problems;
}

function domainSchema(fallback: string): z.ZodType<string> {
  return z.string().default(fallback).refine(
    (domain) => domain.length <= DOMAIN_LENGTH_MAX && DOMAIN.test(domain),
    { message: `must be a domain in lower case of at most ${DOMAIN_LENGTH_MAX} characters` },
  );
}
