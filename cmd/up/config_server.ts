/** Settings of a platform that other machines reach, and of its service. */
import {
  type ConfigOf,
  field,
  listSchema,
  optionalPortSchema,
  type Rule,
  switchField,
  textSchema,
} from "../../pkg/config/mod.ts";
import { isIP } from "node:net";
import { z } from "zod";
import { PROMETHEUS_PORT_FIELD } from "../../pkg/metrics_server/mod.ts";
import { FRONTLINE_FIELDS } from "../../svc/frontline/config.ts";
import { WORKER_FIELDS } from "../../svc/ctrl/worker/config/config.ts";

/** The authority that is asked unless another one is set. */
export const AUTHORITY_DEFAULT = "https://acme-v02.api.letsencrypt.org/directory";
const HOST = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** Leaves room for the label of a deployment. */
const DOMAIN_CHARACTERS_MAX = 189;

export const SERVER_FIELDS = {
  domain: field({
    flag: "domain",
    env: "UNKEY_DOMAIN",
    help: "Serve the apps to everyone, at https://<app>.<domain>, on all addresses of this machine.",
    placeholder: "<domain>",
    schema: hostSchema(DOMAIN_CHARACTERS_MAX),
  }),
  email: {
    ...WORKER_FIELDS.acmeEmail,
    flag: "email",
    env: "UNKEY_EMAIL",
    help: "Address at which the certificate authority reaches you; required with --domain.",
  },
  apiHost: field({
    flag: "api-host",
    env: "UNKEY_API_HOST",
    help: "Host name of the API, over HTTPS. Default: api.<domain>.",
    placeholder: "<host>",
    schema: hostSchema(253),
  }),
  https: switchField({
    flag: "https",
    env: "UNKEY_UP_HTTPS",
    help:
      "Serve https:// for names below localhost, too, by an authority of this machine that you have to trust.",
  }),
  edgeHttpsPort: field({
    flag: "edge-https-port",
    env: "UNKEY_UP_EDGE_HTTPS_PORT",
    help: "Port of https://. 0: any free one. Default: 443 with --domain, 7443 with --https.",
    placeholder: "<port>",
    schema: optionalPortSchema(),
  }),
  httpsPublicPort: {
    ...FRONTLINE_FIELDS.httpsPublicPort,
    schema: optionalPortSchema(),
    help: "Port of https:// URLs, where a router forwards another one. Default: the port of https://.",
  },
  publicAddresses: field({
    flag: "public-address",
    env: "UNKEY_PUBLIC_ADDRESS",
    help: "Addresses at which others reach this machine, where it is behind a router. Default: its own.",
    placeholder: "<ip,...>",
    schema: listSchema([]).refine((all) => all.every((each) => isIP(each) !== 0), {
      message: "must be IP addresses",
    }),
  }),
  hstsSeconds: FRONTLINE_FIELDS.hstsSeconds,
  acmeDirectoryUrl: {
    ...WORKER_FIELDS.acmeDirectoryUrl,
    help: "Directories of certificate authorities (ACME), the next one where one does not answer. " +
      `Default with --domain: ${AUTHORITY_DEFAULT}, whose terms of service --domain accepts.`,
  },
  acmeProfile: WORKER_FIELDS.acmeProfile,
  acmeCaFile: WORKER_FIELDS.acmeCaFile,
  acmeExternalAccounts: WORKER_FIELDS.acmeExternalAccounts,
  acmeDnsProvider: WORKER_FIELDS.acmeDnsProvider,
  acmeDnsServer: WORKER_FIELDS.acmeDnsServer,
  acmeDnsTsigKey: WORKER_FIELDS.acmeDnsTsigKey,
  acmeDnsProgram: WORKER_FIELDS.acmeDnsProgram,
  acmeDnsCloudflareToken: WORKER_FIELDS.acmeDnsCloudflareToken,
  acmeDnsRoute53Key: WORKER_FIELDS.acmeDnsRoute53Key,
  acmeDnsRoute53Zone: WORKER_FIELDS.acmeDnsRoute53Zone,
  acmeDnsResolver: WORKER_FIELDS.acmeDnsResolver,
  acmeDnsNameservers: WORKER_FIELDS.acmeDnsNameservers,
  install: switchField({
    flag: "install",
    env: "UNKEY_UP_INSTALL",
    help: "Set it up as a service of systemd, with these settings, or upgrade the one that is there.",
  }),
  uninstall: switchField({
    flag: "uninstall",
    env: "UNKEY_UP_UNINSTALL",
    help: "Remove the service, its apps and, after a question, its data.",
  }),
  yes: switchField({
    flag: "yes",
    env: "UNKEY_UP_YES",
    help: "Remove the data with --uninstall without a question.",
  }),
  program: field({
    flag: "program",
    env: "UNKEY_UP_PROGRAM",
    help: "Executable to install. Default: the one that runs.",
    placeholder: "<path>",
    schema: textSchema(),
  }),
  edgeApart: switchField({
    flag: "edge-apart",
    env: "UNKEY_UP_EDGE_APART",
    help:
      "Leave the edge to a process of its own, whose settings are written to edge.env in the data folder.",
  }),
  edgePrometheusPort: {
    ...PROMETHEUS_PORT_FIELD,
    flag: "edge-prometheus-port",
    env: "UNKEY_UP_EDGE_PROMETHEUS_PORT",
    help: "Port of /metrics of an edge that is a process of its own, for this machine. 0: metrics are off.",
  },
  logTo: field({
    flag: "log-to",
    env: "UNKEY_UP_LOG_TO",
    help: "Where logs go: to a file in the data folder, or to standard error.",
    placeholder: "<file|stderr>",
    schema: z.enum(["file", "stderr"], { error: "must be file or stderr" }).default("file"),
  }),
};

type ServerConfig = ConfigOf<typeof SERVER_FIELDS>;

/** Rules between settings. */
export const SERVER_RULES: readonly Rule<ServerConfig>[] = [
  ({ domain, email }) =>
    when(
      domain !== undefined && email === undefined,
      "--email (UNKEY_EMAIL) is required with --domain: certificate authorities want an address",
    ),
  ({ domain, apiHost }) =>
    when(
      domain === undefined && apiHost !== undefined,
      "--api-host (UNKEY_API_HOST) needs --domain (UNKEY_DOMAIN)",
    ),
  ({ domain, https, edgeHttpsPort }) =>
    when(
      domain === undefined && !https && edgeHttpsPort !== undefined,
      "--edge-https-port (UNKEY_UP_EDGE_HTTPS_PORT) needs --domain (UNKEY_DOMAIN) or --https",
    ),
  ({ domain, https }) =>
    when(
      domain !== undefined && https,
      "--https (UNKEY_UP_HTTPS) is for a laptop: --domain (UNKEY_DOMAIN) serves https:// by itself",
    ),
  ({ domain, apiHost }) =>
    when(
      apiHost !== undefined && apiHost === domain,
      "--api-host (UNKEY_API_HOST) must be another name than --domain (UNKEY_DOMAIN)",
    ),
  ({ install, uninstall }) => when(install && uninstall, "--install and --uninstall exclude each other"),
  ({ yes, uninstall }) => when(yes && !uninstall, "--yes (UNKEY_UP_YES) belongs to --uninstall"),
];

function when(holds: boolean, problem: string): readonly string[] {
  return holds ? [problem] : [];
}

function hostSchema(charactersMax: number): z.ZodType<string | undefined> {
  return z.string().transform((text) => text.toLowerCase().replace(/\.$/, "")).optional().refine(
    (host) => host === undefined || (host.length <= charactersMax && HOST.test(host)),
    { message: `must be a host name with at least one dot, of at most ${charactersMax} characters` },
  );
}
