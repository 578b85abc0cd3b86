import { type OutgoingHttpHeaders, request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest, type RequestOptions as SecureOptions } from "node:https";
import { isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import tls, { connect as tlsConnect, rootCertificates } from "node:tls";
import { urlToHttpOptions } from "node:url";
import type { OutgoingProxy } from "./choose.ts";
import { proxyRefusal } from "./problem.ts";

/** The function to call for a URL, and options that it must get. */
export interface PreparedRequest {
  readonly request: typeof httpRequest;
  readonly options: RequestOptions & { readonly headers: OutgoingHttpHeaders };
}

export interface PrepareOptions {
  readonly signal: AbortSignal;
  /** The longest time that nothing may come from the proxy before it counts as lost. */
  readonly timeoutMs: number;
  /** A further authority to trust for the server, in PEM. */
  readonly authority?: string | undefined;
}

/**
 * Prepares one request to `url`. Through a proxy to https, the tunnel is open when this resolves.
 *
 * @throws the fault of `proxyRefusal` when the proxy does not connect, else the socket's error
 */
export async function prepareRequest(
  url: URL,
  proxy: OutgoingProxy | undefined,
  options: PrepareOptions,
): Promise<PreparedRequest> {
  const secure = url.protocol === "https:";
  const target = urlToHttpOptions(url);
  // Always said, since signed URLs are about it: what is filled in for a socket of one's own has another port.
  const headers = { host: url.host };
  const { authority } = options;
  const trust = authority === undefined ? {} : { ca: authoritiesWith(authority) };
  if (proxy === undefined) {
    return { request: secure ? httpsRequest : httpRequest, options: { ...target, ...trust, headers } };
  }
  if (!secure) {
    const { origin, pathname, search } = url;
    const path = `${origin}${pathname}${search}`;
    return {
      request: requestOf(proxy),
      options: { ...hop(proxy), path, headers: { ...headers, ...authorization(proxy) } },
    };
  }
  const socket = await tunnel(url, proxy, options);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const name = isIP(host) === 0 ? { servername: host } : {};
  const createConnection = (): Duplex => tlsConnect({ socket, host, ...trust, ...name });
  return { request: httpsRequest, options: { ...target, headers, createConnection } };
}

/**
 * One authority and those that are trusted anyway, as one text: Deno 2.6, with which some executables are compiled, takes
 * no list of several, and does not name those of the machine.
 */
function authoritiesWith(authority: string): string {
  const others = tls.getCACertificates === undefined ? rootCertificates : tls.getCACertificates("default");
  return [...others, authority].join("\n");
}

function tunnel(url: URL, proxy: OutgoingProxy, { signal, timeoutMs }: PrepareOptions): Promise<Socket> {
  const authority = `${url.hostname}:${url.port === "" ? 443 : url.port}`;
  return new Promise((resolve, reject) => {
    const request = requestOf(proxy)({
      ...hop(proxy),
      method: "CONNECT",
      path: authority,
      headers: { host: authority, ...authorization(proxy) },
      signal,
      timeout: timeoutMs,
    });
    request.on("connect", (response, socket) => {
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) return resolve(socket);
      socket.destroy();
      reject(proxyRefusal(proxy, url, status));
    });
    request.on("timeout", () => request.destroy(new Error(`nothing came from it for ${timeoutMs / 1000} s`)));
    request.on("error", reject);
    request.end();
  });
}

function requestOf({ secure }: OutgoingProxy): typeof httpRequest {
  return secure ? httpsRequest : httpRequest;
}

/**
 * The connection to the proxy: one of its own, so that none stays behind, and for the proxy's name, where `node:https`
 * would check the certificate for what the header `Host` says.
 */
function hop({ secure, hostname, port }: OutgoingProxy): SecureOptions {
  const name = secure ? { servername: isIP(hostname) === 0 ? hostname : "" } : {};
  return { hostname, port, agent: false, ...name };
}

function authorization({ authorization }: OutgoingProxy): OutgoingHttpHeaders {
  return authorization === undefined ? {} : { "proxy-authorization": authorization.reveal() };
}
