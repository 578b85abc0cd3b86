import {
  type ConfigOf,
  field,
  fieldName,
  integerSchema,
  listSchema,
  networksSchema,
  optionalUrlSchema,
  portSchema,
  type Rule,
  secretField,
  textSchema,
  urlOrSocketSchema,
  urlSchema,
} from "../../../pkg/config/mod.ts";
import { OBJECT_STORE_FIELDS, objectStoreProblems } from "../../../pkg/objectstore/mod.ts";
import {
  CA_FILE_FIELD,
  CLIENT_CA_FIELD,
  TLS_SERVER_FIELDS,
  tlsServerProblems,
} from "../../../pkg/tls/mod.ts";
import { masterKeysProblem } from "../../../pkg/vault/mod.ts";
import type { AppLimits } from "../internal/validate/app.ts";
import { serviceTokenProblem } from "../internal/auth/service_token.ts";
import { DOMAIN_FIELDS } from "../internal/domains/mod.ts";
import type { SizeLimits } from "../internal/deployments/size.ts";
import { DATABASE_FIELDS } from "../internal/database_config.ts";
import { DATA_KEY_FIELDS } from "../internal/vault/config.ts";
import { IDLE_END_FIELDS } from "../internal/deployments/idle_end_config.ts";
import { APP_FIELDS } from "./app_config.ts";
import { SIZE_FIELDS } from "./size_config.ts";

/** Every setting of `ctrl api`. */
export const API_FIELDS = {
  httpPort: field({
    flag: "http-port",
    env: "UNKEY_HTTP_PORT",
    placeholder: "<port>",
    help: "Port for RPC and REST.",
    schema: portSchema(7091),
  }),
  host: field({
    flag: "host",
    env: "UNKEY_HTTP_HOST",
    placeholder: "<address>",
    help: "Address to listen on.",
    schema: textSchema("0.0.0.0"),
  }),
  ...TLS_SERVER_FIELDS,
  ...CLIENT_CA_FIELD,
  caFile: {
    ...CA_FILE_FIELD.caFile,
    help:
      "Authority to trust for certificates of other api processes and of this one, in PEM, beside those that " +
      "are trusted anyway.",
  },
  trustedProxies: field({
    flag: "trusted-proxies",
    env: "UNKEY_TRUSTED_PROXIES",
    placeholder: "<ip[/bits],...>",
    help:
      "Addresses or networks of load balancers in front, whose X-Forwarded-For is believed: wrong credentials and " +
      "connections are counted by client. An edge on this machine is always believed.",
    schema: networksSchema([]),
  }),
  advertiseUrl: field({
    flag: "advertise-url",
    env: "UNKEY_ADVERTISE_URL",
    placeholder: "<url>",
    help:
      "Where other processes of the control plane reach this one. Without it they cannot wake its streams, " +
      "which then notice changes at their next poll.",
    schema: optionalUrlSchema(),
  }),
  dashboardUrl: field({
    flag: "dashboard-url",
    env: "UNKEY_DASHBOARD_URL",
    placeholder: "<url>",
    help:
      "Where browsers open the dashboard; other host names are redirected there. Default: dashboard.localhost with " +
      "the api's own port.",
    schema: optionalUrlSchema(),
  }),
  instanceId: field({
    flag: "instance-id",
    env: "UNKEY_INSTANCE_ID",
    help: "Name of this process. Made up when absent.",
    schema: textSchema(),
  }),
  ...DATABASE_FIELDS,
  authToken: secretField({
    env: "UNKEY_AUTH_TOKEN",
    help: "Service token: for operators and between the processes of the control plane.",
    required: true,
  }),
  vaultMasterKeys: secretField({
    env: "UNKEY_VAULT_MASTER_KEYS",
    help: "Comma-separated keys of 32 bytes in base64. The first encrypts, all of them decrypt.",
    required: true,
  }),
  ...DATA_KEY_FIELDS,
  restateUrl: field({
    flag: "restate-url",
    env: "UNKEY_RESTATE_INGRESS_URL",
    placeholder: "<url>",
    help: "Ingress of the Restate server; unix:///path for a socket.",
    schema: urlOrSocketSchema("http://restate:8080"),
  }),
  restateApiKey: secretField({
    env: "UNKEY_RESTATE_API_KEY",
    help: "Bearer token for Restate's ingress.",
    required: false,
  }),
  ...OBJECT_STORE_FIELDS,
  buildS3ExternalUrl: field({
    flag: "build-s3-external-url",
    env: "UNKEY_BUILD_S3_EXTERNAL_URL",
    placeholder: "<url>",
    help: "The same endpoint as clients reach it, when that differs.",
    schema: optionalUrlSchema(),
  }),
  buildFilesExternalUrl: field({
    flag: "build-files-external-url",
    env: "UNKEY_BUILD_FILES_EXTERNAL_URL",
    placeholder: "<url>",
    help: "The same as clients reach it, when that differs.",
    schema: optionalUrlSchema(),
  }),
  uploadSizeMax: field({
    flag: "upload-size-max",
    env: "UNKEY_UPLOAD_SIZE_MAX",
    placeholder: "<MiB>",
    help: "Largest build context in MiB, of clients that send it as one archive.",
    schema: integerSchema(512, 1, 5_120),
  }),
  uploadContentMax: field({
    flag: "upload-content-max",
    env: "UNKEY_UPLOAD_CONTENT_MAX",
    placeholder: "<MiB>",
    help: "Most MiB of the files of a build context, before compression.",
    schema: integerSchema(2_048, 1, 1_048_576),
  }),
  uploadFilesMax: field({
    flag: "upload-files-max",
    env: "UNKEY_UPLOAD_FILES_MAX",
    placeholder: "<count>",
    help: "Most files, folders and links of a build context.",
    schema: integerSchema(200_000, 1, 10_000_000),
  }),
  uploadsSizeMax: field({
    flag: "uploads-size-max",
    env: "UNKEY_UPLOADS_SIZE_MAX",
    placeholder: "<MiB>",
    help: "Most MiB of build contexts that a workspace may have stored; each one is deleted after a day.",
    schema: integerSchema(51_200, 1, 104_857_600),
  }),
  uploadsCountMax: field({
    flag: "uploads-count-max",
    env: "UNKEY_UPLOADS_COUNT_MAX",
    placeholder: "<count>",
    help: "Most build contexts that a workspace may have stored.",
    schema: integerSchema(2_000, 1, 1_000_000),
  }),
  uploadDiskFreeMib: field({
    flag: "upload-disk-free-mib",
    env: "UNKEY_UPLOAD_DISK_FREE_MIB",
    placeholder: "<MiB>",
    help:
      "Free space that the disk of --build-files-dir (UNKEY_BUILD_FILES_DIR) keeps: uploads that would take it are " +
      "refused. 0: none is kept.",
    schema: integerSchema(512, 0, 104_857_600),
  }),
  outputKept: field({
    flag: "output-kept",
    env: "UNKEY_OUTPUT_KEPT",
    placeholder: "<days>",
    help:
      "How long the output of builds and instances stays of a deployment that neither serves nor runs any more. " +
      "Its steps and the reason of a failure stay. Its trace goes with the output.",
    schema: integerSchema(30, 1, 3_650),
  }),
  auditKept: field({
    flag: "audit-kept",
    env: "UNKEY_AUDIT_KEPT",
    placeholder: "<days>",
    // A year and a month: an audit in January still finds the whole year before.
    help: "How long entries of the audit log stay.",
    schema: integerSchema(400, 1, 36_500),
  }),
  outputSizeMax: field({
    flag: "output-size-max",
    env: "UNKEY_OUTPUT_SIZE_MAX",
    placeholder: "<MiB>",
    help: "Most MiB of the output of its instances that are kept of a deployment; the oldest goes first.",
    schema: integerSchema(64, 1, 65_536),
  }),
  ...SIZE_FIELDS,
  ...IDLE_END_FIELDS,
  ...APP_FIELDS,
  ...DOMAIN_FIELDS,
  domainsMax: field({
    flag: "domains-max",
    env: "UNKEY_DOMAINS_MAX",
    placeholder: "<count>",
    help: "Most custom domains of a workspace.",
    schema: integerSchema(100, 0, 10_000),
  }),
  availableRegions: field({
    flag: "available-regions",
    env: "UNKEY_AVAILABLE_REGIONS",
    placeholder: "<region,...>",
    help: "Regions that deployments go to.",
    schema: listSchema(["local.dev"]),
  }),
  edgeUrl: field({
    flag: "edge-url",
    env: "UNKEY_EDGE_URL",
    placeholder: "<url>",
    help: "Scheme and port of the URLs that are shown; the host is the deployment's.",
    schema: urlSchema("http://localhost:7070"),
  }),
};

/** Parsed settings of `ctrl api`. */
export type ApiConfig = ConfigOf<typeof API_FIELDS>;

/** The size of apps that set none, and the most that they may set. */
export function sizeLimits(config: ApiConfig): SizeLimits {
  return {
    initial: { cpuMillicores: config.cpuDefault, memoryMib: config.memoryDefault, replicas: 0 },
    max: { cpuMillicores: config.cpuMax, memoryMib: config.memoryMax, replicas: config.replicasMax },
  };
}

/** The most that an app may ask for. */
export function appLimits({ stopSecondsMax, ephemeralStorageMax, replicasMax }: ApiConfig): AppLimits {
  return { stopSecondsMax, ephemeralStorageMibMax: ephemeralStorageMax, replicasMax };
}

/** Rules between settings; for `loadConfig`. */
export const API_RULES: readonly Rule<ApiConfig>[] = [
  ({ vaultMasterKeys }) => named("UNKEY_VAULT_MASTER_KEYS", masterKeysProblem(vaultMasterKeys)),
  objectStoreProblems,
  tlsServerProblems,
  advertiseProblems,
  ({ authToken }) => named("UNKEY_AUTH_TOKEN", serviceTokenProblem(authToken)),
];

function named(setting: string, problem: string | undefined): readonly string[] {
  return problem === undefined ? [] : [`${setting} ${problem}`];
}

function advertiseProblems({ tlsCertFile, advertiseUrl }: ApiConfig): readonly string[] {
  if (tlsCertFile === undefined || advertiseUrl?.startsWith("http:") !== true) return [];
  const { advertiseUrl: advertise, tlsCertFile: certificate } = API_FIELDS;
  return [`${fieldName(advertise)} must begin with https:// with ${fieldName(certificate)}`];
}
