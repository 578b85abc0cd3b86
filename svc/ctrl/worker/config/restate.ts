/** Addresses and credentials between worker and Restate: settings of `ctrl worker`. */
import {
  type ConfigOf,
  field,
  fieldName,
  listSchema,
  optionalUrlSchema,
  portSchema,
  secretField,
  switchField,
  textSchema,
  urlOrSocketSchema,
} from "../../../../pkg/config/mod.ts";

/** As Restate logs it: the version, and base58 of 32 bytes. */
const IDENTITY_KEY = /^publickeyv1_[1-9A-HJ-NP-Za-km-z]{32,44}$/;

export const RESTATE_FIELDS = {
  restateAdminUrl: field({
    flag: "restate-admin-url",
    env: "UNKEY_RESTATE_ADMIN_URL",
    placeholder: "<url>",
    help: "Admin API of the Restate server, where this worker registers itself; unix:///path for a socket.",
    schema: urlOrSocketSchema("http://restate:9070"),
  }),
  restateUrl: field({
    flag: "restate-url",
    env: "UNKEY_RESTATE_INGRESS_URL",
    placeholder: "<url>",
    help: "Ingress of the Restate server; unix:///path for a socket.",
    schema: urlOrSocketSchema("http://restate:8080"),
  }),
  restateApiKey: secretField({
    env: "UNKEY_RESTATE_API_KEY",
    help: "Bearer token for Restate's admin API and ingress.",
    required: false,
  }),
  host: field({
    flag: "host",
    env: "UNKEY_WORKER_HOST",
    placeholder: "<address>",
    help: "Address to listen on, for Restate and for health checks.",
    schema: textSchema("127.0.0.1"),
  }),
  restateHttpPort: field({
    flag: "restate-http-port",
    env: "UNKEY_RESTATE_HTTP_PORT",
    placeholder: "<port>",
    help:
      "Port on which Restate reaches this worker. Keep it from start to start: running workflows remember it.",
    schema: portSchema(9080),
  }),
  restateRegisterAs: field({
    flag: "restate-register-as",
    env: "UNKEY_RESTATE_REGISTER_AS",
    placeholder: "<url>",
    help: "URL under which Restate reaches this worker. Default: 127.0.0.1 with the port.",
    schema: optionalUrlSchema(),
  }),
  restateIdentityKeys: field({
    flag: "restate-identity-keys",
    env: "UNKEY_RESTATE_IDENTITY_KEYS",
    placeholder: "<publickeyv1_...,...>",
    help:
      "Public keys of the Restate server: the worker takes requests that one of them signed, and no others. The " +
      "server gets the private key, an Ed25519 key in PEM, with " +
      "RESTATE_WORKER__INVOKER__REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE, and logs the public one at its start " +
      '("Loaded request identity key").',
    schema: listSchema([]).refine((keys) => keys.every((key) => IDENTITY_KEY.test(key)), {
      message: "must be keys that look like publickeyv1_...",
    }),
  }),
  restateTrustedNetwork: switchField({
    flag: "restate-trusted-network",
    env: "UNKEY_RESTATE_TRUSTED_NETWORK",
    help:
      "Without identity keys, take requests from every client that reaches the port. Right only where no app and no " +
      "stranger can: such requests deploy, roll back and delete.",
  }),
};

/** A text per setting without which the worker would do what strangers ask for. */
export function restateProblems(config: ConfigOf<typeof RESTATE_FIELDS>): readonly string[] {
  const { host, restateIdentityKeys, restateTrustedNetwork } = config;
  if (restateIdentityKeys.length > 0 || restateTrustedNetwork || isLoopback(host)) return [];
  const { restateIdentityKeys: keys, restateTrustedNetwork: trusted, host: address } = RESTATE_FIELDS;
  return [
    `${fieldName(keys)} is required when ${
      fieldName(address)
    } is not a loopback address, or every client that ` +
    `reaches the port could run workflows. On a network that no app and no stranger can reach, ${
      fieldName(trusted)
    } ` +
    "does without",
  ];
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}
