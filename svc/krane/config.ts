import { z } from "zod";
import {
  type ConfigOf,
  field,
  integerSchema,
  portSchema,
  requiredTextSchema,
  type Rule,
  secretField,
  textSchema,
  urlSchema,
} from "../../pkg/config/mod.ts";
import {
  TLS_CLIENT_FIELDS,
  TLS_SERVER_FIELDS,
  tlsClientProblems,
  tlsServerProblems,
} from "../../pkg/tls/mod.ts";
import { REGISTRY_FIELDS, registryProblems } from "../../pkg/registry/mod.ts";
import { DOCKER_FIELDS } from "./config_docker.ts";
import { KUBERNETES_FIELDS } from "./config_kubernetes.ts";
import { capabilitiesSchema, listText } from "./config_values.ts";
import { CAPABILITIES_DEFAULT } from "./internal/deployment/capabilities.ts";

/** Every setting of `krane`. */
export const KRANE_FIELDS = {
  controlPlaneUrl: field({
    flag: "control-plane-url",
    env: "UNKEY_CONTROL_PLANE_URL",
    help: "URL of the control plane's API.",
    placeholder: "<url>",
    schema: urlSchema(),
  }),
  controlPlaneBearer: secretField({
    env: "UNKEY_CONTROL_PLANE_BEARER",
    help: "The region's token.",
    required: true,
  }),
  ...TLS_CLIENT_FIELDS,
  controlPlaneId: field({
    flag: "control-plane-id",
    env: "UNKEY_CONTROL_PLANE_ID",
    help: "Marks what this agent manages, for runtimes that several control planes share. Default: the URL.",
    schema: textSchema(),
  }),
  region: field({
    flag: "region",
    env: "UNKEY_REGION",
    help: "Name of this agent's region.",
    schema: requiredTextSchema(),
  }),
  runtime: field({
    flag: "runtime",
    env: "UNKEY_RUNTIME",
    help: "Where deployments run: docker or kubernetes.",
    placeholder: "<docker|kubernetes>",
    schema: runtimeSchema(),
  }),
  ...DOCKER_FIELDS,
  ...KUBERNETES_FIELDS,
  ...REGISTRY_FIELDS,
  stateDir: field({
    flag: "state-dir",
    env: "UNKEY_KRANE_STATE_DIR",
    help: "Folder for what must survive a restart of the agent.",
    placeholder: "<path>",
    schema: textSchema(".unkey/krane"),
  }),
  httpPort: field({
    flag: "http-port",
    env: "UNKEY_HTTP_PORT",
    help: "Port of the health checks, and on Kubernetes of the pods' secrets.",
    placeholder: "<port>",
    schema: portSchema(8070),
  }),
  httpHost: field({
    flag: "http-host",
    env: "UNKEY_HTTP_HOST",
    help: "Address of the health checks.",
    placeholder: "<ip>",
    schema: textSchema("0.0.0.0"),
  }),
  ...TLS_SERVER_FIELDS,
  drainMs: field({
    flag: "drain-ms",
    env: "UNKEY_KRANE_DRAIN_MS",
    help: "How long an instance goes on after the edge was told to leave it, in milliseconds.",
    schema: integerSchema(3_000, 0, 600_000),
  }),
  stopGraceSeconds: field({
    flag: "stop-grace-seconds",
    env: "UNKEY_KRANE_STOP_GRACE_SECONDS",
    help: "Time between SIGTERM and SIGKILL, in seconds.",
    schema: integerSchema(10, 0, 600),
  }),
  capabilities: field({
    flag: "capabilities",
    env: "UNKEY_KRANE_CAPABILITIES",
    help:
      "Linux capabilities of apps, in both runtimes; they have no others. The default is enough for images that " +
      "start as root, set the owner of files, and drop to a user. A shorter list breaks such images.",
    placeholder: "<NAME,...|none>",
    schema: capabilitiesSchema(CAPABILITIES_DEFAULT),
    show: listText,
  }),
  cpuMillicoresDefault: field({
    flag: "cpu-millicores-default",
    env: "UNKEY_KRANE_CPU_MILLICORES_DEFAULT",
    help: "CPU limit of an instance, in thousandths of a core, for a control plane that sends none. " +
      "This program's sends one with each deployment.",
    schema: integerSchema(500, 10, 1_000_000),
  }),
  memoryMibDefault: field({
    flag: "memory-mib-default",
    env: "UNKEY_KRANE_MEMORY_MIB_DEFAULT",
    help: "Memory limit of an instance, in MiB, for a control plane that sends none. " +
      "This program's sends one with each deployment.",
    schema: integerSchema(512, 8, 10_000_000),
  }),
};

/** A problem per pair of settings that do not go together; for `loadConfig`. */
export const KRANE_RULES: readonly Rule<KraneConfig>[] = [
  registryProblems,
  tlsClientProblems,
  tlsServerProblems,
];

/** Parsed settings of `krane`. */
export type KraneConfig = ConfigOf<typeof KRANE_FIELDS>;

function runtimeSchema(): z.ZodType<"docker" | "kubernetes"> {
  return z.enum(["docker", "kubernetes"], { error: "must be docker or kubernetes" }).default("docker");
}
