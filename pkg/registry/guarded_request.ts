import { type LookupAddress, type LookupAllOptions } from "node:dns";
import { lookup } from "node:dns/promises";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { Fault } from "../fault/mod.ts";
import { isPublicAddress } from "./public_address.ts";

/** One question to a host that a user named. */
export interface GuardedRequest {
  /** Requests that would have a body are sent with an empty one. */
  readonly method: "GET" | "HEAD" | "POST" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Hosts with port that may be private and may speak plain HTTP. */
  readonly trustedHosts: ReadonlySet<string>;
  readonly signal: AbortSignal;
  /** The longest body that is read. Default: 64 KiB. */
  readonly bytesMax?: number;
}

export interface GuardedAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

const BODY_BYTES_MAX = 64 * 1024;

/**
 * Asks without following redirects. The address is looked up once, checked, and used: a name whose address changes in
 * between leads nowhere.
 *
 * @throws `permission_denied` for a host that must not be asked, `unavailable` when it does not answer
 */
export async function guardedRequest(request: GuardedRequest): Promise<GuardedAnswer> {
  const { url, trustedHosts } = request;
  const trusted = trustedHosts.has(url.host) || trustedHosts.has(`${url.hostname}:${portOf(url)}`);
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol !== "https:" && !(trusted && url.protocol === "http:")) {
    throw new Fault("permission_denied", `${url.host} is asked by https only`);
  }
  if (!trusted && isIP(hostname) !== 0 && !isPublicAddress(hostname)) throw isPrivate(url.host);
  try {
    return await send(request, trusted);
  } catch (error) {
    request.signal.throwIfAborted();
    if (error instanceof Fault) throw error;
    throw new Fault("unavailable", `${url.host} does not answer`, { cause: error });
  }
}

/** A URL does not tell the port that its scheme has anyway. */
function portOf({ port, protocol }: URL): string {
  return port !== "" ? port : protocol === "https:" ? "443" : "80";
}

function send(
  { method, url, headers = {}, signal, bytesMax = BODY_BYTES_MAX }: GuardedRequest,
  trusted: boolean,
): Promise<GuardedAnswer> {
  return new Promise((resolve, reject) => {
    const start = url.protocol === "https:" ? httpsRequest : httpRequest;
    const sent = start(url, {
      method,
      // No connection is shared: another request's address was checked for that request only.
      agent: false,
      headers: {
        ...headers,
        connection: "close",
        ...(method === "POST" ? { "content-length": "0" } : {}),
      },
      lookup: (hostname, options, done) => {
        addresses(hostname, trusted).then(
          (found) => answerLookup(found, options, done),
          (error: Error) => done(error, []),
        );
      },
    }, (answer) => read(answer, bytesMax).then(resolve, reject).finally(() => sent.destroy()));
    const stop = (): void => void sent.destroy(new Error("stopped"));
    sent.on("error", reject);
    sent.on("close", () => signal.removeEventListener("abort", stop));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    sent.end();
  });
}

async function addresses(hostname: string, trusted: boolean): Promise<LookupAddress[]> {
  const found = await lookup(hostname, { all: true });
  if (!trusted && found.some(({ address }) => !isPublicAddress(address))) throw isPrivate(hostname);
  return found;
}

function answerLookup(
  found: readonly LookupAddress[],
  options: { readonly all?: LookupAllOptions["all"] | boolean | undefined },
  done: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
): void {
  const [first] = found;
  if (first === undefined) return done(new Error("no address"), []);
  if (options.all === true) return done(null, [...found]);
  done(null, first.address, first.family);
}

async function read(answer: IncomingMessage, bytesMax: number): Promise<GuardedAnswer> {
  const decoder = new TextDecoder();
  let body = "";
  for await (const chunk of answer) {
    body += decoder.decode(chunk, { stream: true });
    if (body.length > bytesMax) throw new Error("too long an answer");
  }
  return { status: answer.statusCode ?? 0, headers: answer.headers, body };
}

function isPrivate(host: string): Fault {
  return new Fault("permission_denied", `${host} has a private address and is not among the hosts that may`);
}
