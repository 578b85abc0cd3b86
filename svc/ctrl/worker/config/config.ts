import {
  type ConfigOf,
  field,
  fieldName,
  integerSchema,
  listSchema,
  optionalUrlSchema,
  portSchema,
  type Rule,
  secretField,
  urlSchema,
} from "../../../../pkg/config/mod.ts";
import { OBJECT_STORE_FIELDS, objectStoreProblems } from "../../../../pkg/objectstore/mod.ts";
import { CA_FILE_FIELD, TLS_SERVER_FIELDS, tlsServerProblems } from "../../../../pkg/tls/mod.ts";
import { serviceTokenProblem } from "../../internal/auth/service_token.ts";
import { DOMAIN_FIELDS, isDomain } from "../../internal/domains/mod.ts";
import { IDLE_END_FIELDS } from "../../internal/deployments/idle_end_config.ts";
import { DATABASE_FIELDS } from "../../internal/database_config.ts";
import { DATA_KEY_FIELDS } from "../../internal/vault/config.ts";
import { BUILD_FIELDS, buildProblems } from "./build.ts";
import { BUILDER_FIELDS, builderProblems } from "./builder.ts";
import { CERTIFICATE_FIELDS, certificateProblems } from "./certificates.ts";
import { DNS_FIELDS, dnsProblems } from "./dns.ts";
import { DOMAIN_CHECK_FIELDS } from "./domains.ts";
import { DEADLINE_FIELDS } from "./deadlines.ts";
import { OTEL_FIELDS, otelProblems } from "./otel.ts";
import { QUEUE_FIELDS } from "./queue.ts";
import { RESTATE_FIELDS, restateProblems } from "./restate.ts";
import { SENTINEL_FIELDS } from "./sentinels.ts";

/** Every setting of `ctrl worker`. */
export const WORKER_FIELDS = {
  ...DATABASE_FIELDS,
  authToken: secretField({
    env: "UNKEY_AUTH_TOKEN",
    help:
      "Service token, to wake api processes after a change. Without it they notice changes at their next poll.",
    required: false,
  }),
  ...RESTATE_FIELDS,
  tlsCertFile: {
    ...TLS_SERVER_FIELDS.tlsCertFile,
    help:
      "Certificate with its chain, in PEM. With it the port for Restate takes TLS 1.3 and nothing else; health " +
      "checks stay plain. The file is read again when it changes.",
  },
  tlsKeyFile: TLS_SERVER_FIELDS.tlsKeyFile,
  caFile: {
    ...CA_FILE_FIELD.caFile,
    help:
      "Authority to trust for certificates of api processes and other workers, in PEM, beside those that are " +
      "trusted anyway.",
  },
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
  ...OBJECT_STORE_FIELDS,
  buildS3Url: {
    ...OBJECT_STORE_FIELDS.buildS3Url,
    help: "S3 endpoint for build contexts, as the control plane reaches it.",
  },
  buildFilesDir: {
    ...OBJECT_STORE_FIELDS.buildFilesDir,
    help: "Folder for build contexts, instead of S3; the same one that the api has.",
  },
  buildFilesUrl: {
    ...OBJECT_STORE_FIELDS.buildFilesUrl,
    help: "The api as this worker reaches it, for contexts in a folder.",
  },
  buildFilesSigningKey: {
    ...OBJECT_STORE_FIELDS.buildFilesSigningKey,
    help:
      "Signs the URLs of contexts in a folder; the same as the api's. Derived from the master keys when absent.",
  },
  vaultMasterKeys: secretField({
    env: "UNKEY_VAULT_MASTER_KEYS",
    help:
      "The api's master keys: for variables and secrets of builds, credentials of registries and sentinels, and the signing key " +
      "of a folder when that is absent.",
    required: false,
  }),
  ...DATA_KEY_FIELDS,
  availableRegions: field({
    flag: "available-regions",
    env: "UNKEY_AVAILABLE_REGIONS",
    placeholder: "<region,...>",
    help: "Regions that deployments go to.",
    schema: listSchema(["local.dev"]),
  }),
  ...DOMAIN_FIELDS,
  ...DOMAIN_CHECK_FIELDS,
  platformHosts: field({
    flag: "platform-hosts",
    env: "UNKEY_PLATFORM_HOSTS",
    placeholder: "<host,...>",
    help: "Host names of the platform itself, such as its API's. Each gets a certificate.",
    schema: listSchema([]).refine((hosts) => hosts.every((host) => host.includes(".") && isDomain(host)), {
      message: "must be host names in lower case with at least one dot",
    }),
  }),
  edgeUrl: field({
    flag: "edge-url",
    env: "UNKEY_EDGE_URL",
    placeholder: "<url>",
    help: "Scheme and port of the URLs that are shown; the host is the deployment's.",
    schema: urlSchema("http://localhost:7070"),
  }),
  openapiEdgeUrl: field({
    flag: "openapi-edge-url",
    env: "UNKEY_OPENAPI_EDGE_URL",
    placeholder: "<url>",
    help:
      "An edge, as this worker reaches it, for reading OpenAPI documents of apps. Default: that of --edge-url.",
    schema: optionalUrlSchema(),
  }),
  ...DEADLINE_FIELDS,
  ...IDLE_END_FIELDS,
  replicas: field({
    flag: "replicas",
    env: "UNKEY_DEPLOY_REPLICAS",
    placeholder: "<count>",
    help: "Instances per region of a new deployment.",
    schema: integerSchema(1, 1, 100),
  }),
  ...SENTINEL_FIELDS,
  ...CERTIFICATE_FIELDS,
  ...DNS_FIELDS,
  ...OTEL_FIELDS,
};

/** Parsed settings of `ctrl worker`. */
export type WorkerConfig = ConfigOf<typeof WORKER_FIELDS>;

/** Rules between settings; for `loadConfig`. */
export const WORKER_RULES: readonly Rule<WorkerConfig>[] = [
  ({ availableRegions: regions }) =>
    regions.length > 0 ? [] : ["--available-regions (UNKEY_AVAILABLE_REGIONS) names no region"],
  ({ sentinelImage, vaultMasterKeys }) =>
    sentinelImage === undefined || vaultMasterKeys !== undefined
      ? []
      : ["UNKEY_VAULT_MASTER_KEYS is required with --sentinel-image (UNKEY_SENTINEL_IMAGE)"],
  tokenProblems,
  restateProblems,
  tlsServerProblems,
  registerProblems,
  builderProblems,
  buildProblems,
  certificateProblems,
  dnsProblems,
  objectStoreProblems,
  filesProblems,
  otelProblems,
];

function tokenProblems({ authToken }: WorkerConfig): readonly string[] {
  const problem = authToken && serviceTokenProblem(authToken);
  return problem === undefined ? [] : [`UNKEY_AUTH_TOKEN ${problem}`];
}

function registerProblems({ tlsCertFile, restateRegisterAs }: WorkerConfig): readonly string[] {
  if (tlsCertFile === undefined || restateRegisterAs?.startsWith("http:") !== true) return [];
  const { restateRegisterAs: register, tlsCertFile: certificate } = WORKER_FIELDS;
  return [`${fieldName(register)} must begin with https:// with ${fieldName(certificate)}`];
}

function filesProblems(config: WorkerConfig): readonly string[] {
  if (config.buildFilesDir === undefined) return [];
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
