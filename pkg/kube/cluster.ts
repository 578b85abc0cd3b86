import { z } from "zod";
import { Fault, publicFault } from "../fault/mod.ts";
import { type Meter, NO_METER } from "../metrics/mod.ts";
import type { Access, Credentials } from "./credentials.ts";
import { apiFault } from "./fault.ts";

/** One HTTP exchange with the API; `path` begins at the root. */
export interface ApiRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Of the body; JSON unless given. */
  readonly contentType?: string;
  readonly signal: AbortSignal;
  /** Until the answer's headers are there; for `callJson` until its end. */
  readonly timeoutMs?: number;
  /** The answer is read as it comes, perhaps for hours: such ones must not take the places of calls on a connection. */
  readonly streamed?: boolean;
}

/** A connection to one cluster. Close it when done; calls may run side by side. */
export interface Cluster {
  readonly server: string;
  /** Sends a request and returns the answer unread; the caller reads the body to its end or cancels it. */
  call(request: ApiRequest): Promise<Response>;
  close(): void;
}

const TIMEOUT_MS = 30_000;

/** Opens a client; nothing is sent before the first call. `meterOf` counts the calls. */
export function openCluster(
  access: Access,
  meterOf: (method: ApiRequest["method"]) => Meter = () => NO_METER,
): Cluster {
  const { server } = access;
  const clients = new HttpClients(access.proxy);
  const send = async (request: ApiRequest): Promise<Response> => {
    const { timeoutMs = TIMEOUT_MS, signal } = request;
    const timer = new AbortController();
    const late = setTimeout(() => timer.abort(), timeoutMs);
    try {
      const credentials = await access.credentials();
      const { calls, streams } = clients.with(credentials);
      const response = await fetch(urlOf(server, request), {
        method: request.method,
        headers: headersOf(request, credentials),
        signal: AbortSignal.any([signal, timer.signal]),
        client: request.streamed === true ? streams : calls,
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      });
      if (response.status === 401) access.refused();
      if (!response.ok) throw apiFault(labelOf(request), response.status, await response.text());
      return response;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Fault) throw error;
      throw timer.signal.aborted ? lateFault(request, timeoutMs) : unreachable(server, error);
    } finally {
      clearTimeout(late);
    }
  };
  return {
    server,
    call: (request) => meterOf(request.method)(() => send(request)),
    close: () => clients.close(),
  };
}

/** Sends a request and decodes its JSON answer with `schema`. */
export async function callJson<T>(cluster: Cluster, request: ApiRequest, schema: z.ZodType<T>): Promise<T> {
  const { timeoutMs = TIMEOUT_MS } = request;
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const response = await cluster.call({ ...request, signal: AbortSignal.any([request.signal, limit]) });
    const parsed = schema.safeParse(await response.json());
    if (parsed.success) return parsed.data;
    throw new Fault("internal", `Kubernetes answered ${labelOf(request)} in an unknown form`, {
      cause: parsed.error,
    });
  } catch (error) {
    request.signal.throwIfAborted();
    if (error instanceof Fault) throw error;
    throw limit.aborted ? lateFault(request, timeoutMs) : unreachable(cluster.server, error);
  }
}

/** The error of a streamed answer's reader in place of the transport's. */
export function streamFault(cluster: Cluster, signal: AbortSignal, error: unknown): unknown {
  if (signal.aborted) return signal.reason;
  return error instanceof Fault ? error : unreachable(cluster.server, error);
}

const Version = z.object({ gitVersion: z.string() });

/**
 * Asks the cluster for its version.
 *
 * @throws `unavailable` when it does not answer, with a text that says where it was looked for
 */
export async function clusterVersion(cluster: Cluster, signal: AbortSignal): Promise<string> {
  const request = { method: "GET", path: "/version", signal, timeoutMs: 10_000 } as const;
  return (await callJson(cluster, request, Version)).gitVersion;
}

/** HTTP clients for one set of certificates: others replace them, and calls that are under way end on their own. */
class HttpClients {
  readonly #proxy: Deno.Proxy | undefined;
  #current: HttpClientPair | undefined;

  constructor(proxy: Deno.Proxy | undefined) {
    this.#proxy = proxy;
  }

  with(credentials: Credentials): HttpClientPair {
    const { certificate, certificateAuthority } = credentials;
    const known = this.#current;
    if (
      known !== undefined && known.certificate === certificate &&
      known.certificateAuthority === certificateAuthority
    ) return known;
    this.close();
    return this.#current = {
      certificate,
      certificateAuthority,
      // HTTP/2 has a limit of streams per connection, behind which everything waits: what streams gets connections of its own.
      calls: this.#open(credentials, true),
      streams: this.#open(credentials, false),
    };
  }

  close(): void {
    this.#current?.calls.close();
    this.#current?.streams.close();
    this.#current = undefined;
  }

  #open({ certificate, certificateAuthority, key }: Credentials, http2: boolean): Deno.HttpClient {
    try {
      return Deno.createHttpClient({
        http2,
        http1: true,
        ...(this.#proxy === undefined ? {} : { proxy: this.#proxy }),
        ...(certificateAuthority === undefined ? {} : { caCerts: [certificateAuthority] }),
        ...(certificate === undefined || key === undefined ? {} : { cert: certificate, key }),
      });
    } catch (error) {
      throw publicFault("failed_precondition", "The cluster's certificate or key cannot be read.", error);
    }
  }
}

interface HttpClientPair {
  readonly certificate: string | undefined;
  readonly certificateAuthority: string | undefined;
  readonly calls: Deno.HttpClient;
  readonly streams: Deno.HttpClient;
}

function urlOf(server: string, { path, query = {} }: ApiRequest): string {
  const url = new URL(`${server}${path}`);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url.href;
}

/** A list and not `Headers`, which would join the values of a name that comes more than once. */
function headersOf(
  { body, contentType = "application/json" }: ApiRequest,
  credentials: Credentials,
): [string, string][] {
  return [
    ["accept", "application/json"],
    ...(body === undefined ? [] : [["content-type", contentType] satisfies [string, string]]),
    ...credentials.headers.map(([name, value]): [string, string] => [name, value]),
  ];
}

function labelOf({ method, path }: ApiRequest): string {
  return `${method} ${path}`;
}

function lateFault(request: ApiRequest, timeoutMs: number): Fault {
  return new Fault(
    "deadline_exceeded",
    `Kubernetes did not answer ${labelOf(request)} within ${timeoutMs} ms`,
    {
      publicMessage: `Kubernetes did not answer within ${Math.ceil(timeoutMs / 1000)} s: is it overloaded?`,
    },
  );
}

function unreachable(server: string, cause: unknown): Fault {
  return new Fault("unavailable", `cannot reach Kubernetes at ${server}`, {
    publicMessage:
      `Kubernetes does not answer at ${server}. Check that the cluster runs, and the address and ` +
      "certificate authority in the kubeconfig file.",
    cause,
  });
}
