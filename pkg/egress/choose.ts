import { Buffer } from "node:buffer";
import { withThisMachine } from "../cli/mod.ts";
import { Secret } from "../config/mod.ts";
import { publicFault } from "../fault/mod.ts";
import { isExempt } from "./no_proxy.ts";

/** A proxy that takes HTTP requests, and `CONNECT` for what is encrypted. */
export interface OutgoingProxy {
  /** True if it is spoken to over TLS. */
  readonly secure: boolean;
  readonly hostname: string;
  readonly port: number;
  /** Host and port as messages name it, without credentials. */
  readonly name: string;
  /** The variable that names it. */
  readonly variable: string;
  /** The value of `Proxy-Authorization`. */
  readonly authorization: Secret | undefined;
}

type Env = (name: string) => string | undefined;

const USABLE = /^https?:$/;
/** Kinds of proxies that `fetch` supports and this package does not. */
const OTHER = /^(socks5h?|unix|vsock):/i;

/**
 * The proxy for requests to `url`, or `undefined` for those that go there directly. As for `fetch`, `ALL_PROXY` goes before
 * the others, upper case before lower case, and a value that is no URL counts as absent. What listens on this machine
 * is never behind a proxy.
 *
 * @throws `failed_precondition` when it is a proxy of a kind that only `fetch` knows
 */
export function proxyFor(url: URL, env: Env): OutgoingProxy | undefined {
  if (isExempt(url, withThisMachine(env("NO_PROXY") ?? env("no_proxy") ?? ""))) return undefined;
  const variable = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  for (const name of [...bothCases("ALL_PROXY"), ...bothCases(variable)]) {
    const value = env(name)?.trim() ?? "";
    if (OTHER.test(value)) throw notUsable(url, name, variable);
    const proxy = parse(value, name);
    if (proxy !== undefined) return proxy;
  }
  return undefined;
}

function bothCases(name: string): readonly string[] {
  return [name, name.toLowerCase()];
}

function parse(value: string, variable: string): OutgoingProxy | undefined {
  const url = URL.parse(value.includes("://") ? value : `http://${value}`);
  if (url === null || !USABLE.test(url.protocol)) return undefined;
  const secure = url.protocol === "https:";
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  const credentials = `${decoded(url.username)}:${decoded(url.password)}`;
  return {
    secure,
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    name: `${url.hostname}:${port}`,
    variable,
    authorization: credentials === ":"
      ? undefined
      : new Secret(`Basic ${Buffer.from(credentials).toString("base64")}`),
  };
}

/** A percent sign that was not encoded stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function notUsable(url: URL, name: string, instead: string): Error {
  return publicFault(
    "failed_precondition",
    `${name} names a proxy that is not one for HTTP, and only those take uploads. Name one in ${instead} and leave ` +
      `${name} out, or add ${url.hostname} to NO_PROXY if it can be reached without a proxy.`,
  );
}
