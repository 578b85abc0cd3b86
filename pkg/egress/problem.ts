import { type Fault, publicFault } from "../fault/mod.ts";
import type { OutgoingProxy } from "./choose.ts";

/** The fault for an `error` that kept a request to `url` from reaching the proxy; `undefined` when it came later. */
export function proxyUnreachable(proxy: OutgoingProxy, url: URL, error: unknown): Fault | undefined {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error && "syscall" in first)) return undefined;
  if (first.syscall !== "connect" && first.syscall !== "getaddrinfo") return undefined;
  return publicFault(
    "unavailable",
    `${named(proxy)} cannot be reached: ${first.message}. Correct ${proxy.variable}, or ${exempt(url)}.`,
    error,
  );
}

/** The fault for a proxy that answers a request to `url`, or to connect to it, with `status`. */
export function proxyRefusal(proxy: OutgoingProxy, url: URL, status: number): Fault {
  if (status === 407) return publicFault("failed_precondition", `${named(proxy)} ${credentials(proxy)}.`);
  const [who, where, otherwise] = [named(proxy), `${url.hostname} (${status})`, exempt(url)];
  if (status >= 500 || status === 429) {
    const text = `${who} could not connect to ${where}. Try again in a moment, or ${otherwise}.`;
    return publicFault("unavailable", text);
  }
  const text = `${who} refuses to connect to ${where}. Have it allow that host, or ${otherwise}.`;
  return publicFault("failed_precondition", text);
}

function credentials({ authorization, secure, name, variable }: OutgoingProxy): string {
  if (authorization !== undefined) {
    return `does not take the user and password of ${variable} (407). Correct them there`;
  }
  const shape = `${secure ? "https" : "http"}://user:password@${name}`;
  return `wants a user and a password (407). Put them into ${variable}: ${shape}`;
}

function named({ name, variable }: OutgoingProxy): string {
  return `The proxy ${name}, which ${variable} names,`;
}

function exempt(url: URL): string {
  return `add ${url.hostname} to NO_PROXY if it can be reached without a proxy`;
}
