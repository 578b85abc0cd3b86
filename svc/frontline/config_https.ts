import {
  type ConfigOf,
  field,
  integerSchema,
  optionalPortSchema,
  portSchema,
  switchField,
} from "../../pkg/config/mod.ts";

const YEARS_2_SECONDS = 63_072_000;

/** Settings of HTTPS; a sentinel has none. */
export const HTTPS_FIELDS = {
  httpsPort: field({
    flag: "https-port",
    env: "UNKEY_HTTPS_PORT",
    help: "Port to serve apps on over TLS, with HTTP/1.1 and HTTP/2, e.g. 7443. Default: no TLS.",
    placeholder: "<port>",
    schema: optionalPortSchema(),
  }),
  httpsPublicPort: field({
    flag: "https-public-port",
    env: "UNKEY_HTTPS_PUBLIC_PORT",
    help: "Port of https:// URLs in redirects: the one that clients see.",
    placeholder: "<port>",
    schema: portSchema(443),
  }),
  httpsRedirect: switchField({
    flag: "https-redirect",
    env: "UNKEY_HTTPS_REDIRECT",
    help: "Redirect http:// to https:// for hosts with a certificate.",
    default: true,
  }),
  hstsSeconds: field({
    flag: "hsts-seconds",
    env: "UNKEY_HSTS_SECONDS",
    help: "How long browsers use only https:// for a host they saw (Strict-Transport-Security). 0: not sent.",
    placeholder: "<number>",
    schema: integerSchema(0, 0, YEARS_2_SECONDS),
  }),
  hstsSubDomains: switchField({
    flag: "hsts-sub-domains",
    env: "UNKEY_HSTS_SUB_DOMAINS",
    help: "Include all names below the host.",
  }),
  hstsPreload: switchField({
    flag: "hsts-preload",
    env: "UNKEY_HSTS_PRELOAD",
    help: "Allow browsers to ship the host in their list. Hard to undo.",
  }),
};

export type HttpsConfig = ConfigOf<typeof HTTPS_FIELDS>;

/** The value of `Strict-Transport-Security`; `undefined` sends none. */
export function hstsValue(config: HttpsConfig): string | undefined {
  if (config.hstsSeconds === 0) return undefined;
  return `max-age=${config.hstsSeconds}${config.hstsSubDomains ? "; includeSubDomains" : ""}${
    config.hstsPreload ? "; preload" : ""
  }`;
}
