import { z } from "zod";
import { Fault, publicFault } from "../fault/mod.ts";
import type { Access, Credential } from "./access.ts";
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
const TOKEN_MS = 60_000;

/** Opens a client; nothing is sent before the first call. */
export function openCluster(access: Access): Cluster {
  const { server } = access;
  // HTTP/2 has a limit of streams per connection, behind which everything waits: what streams gets connections of its own.
  const [calls, streams] = [httpClient(access, true), httpClient(access, false)];
  const authorization = authorizer(access.credential);
  return {
    server,
    async call(request) {
      const { timeoutMs = TIMEOUT_MS, signal } = request;
      const timer = new AbortController();
      const late = setTimeout(() => timer.abort(), timeoutMs);
      try {
        const response = await fetch(urlOf(server, request), {
          method: request.method,
          headers: { ...await authorization(), ...contentType(request), accept: "application/json" },
          signal: AbortSignal.any([signal, timer.signal]),
          client: request.streamed === true ? streams : calls,
          ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        });
        if (!response.ok) throw apiFault(labelOf(request), response.status, await response.text());
        return response;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof Fault) throw error;
        throw timer.signal.aborted ? lateFault(request, timeoutMs) : unreachable(server, error);
      } finally {
        clearTimeout(late);
      }
    },
    close: () => {
      calls.close();
      streams.close();
    },
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

/** What a reader of a streamed answer throws in place of the transport's error. */
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

function httpClient({ certificateAuthority, credential }: Access, http2: boolean): Deno.HttpClient {
  try {
    return Deno.createHttpClient({
      http2,
      http1: true,
      ...(certificateAuthority === undefined ? {} : { caCerts: [certificateAuthority] }),
      ...(credential.kind === "certificate" ? { cert: credential.certificate, key: credential.key } : {}),
    });
  } catch (error) {
    throw publicFault("failed_precondition", "The cluster's certificate or key cannot be read.", error);
  }
}

function authorizer(credential: Credential): () => Promise<Record<string, string>> {
  let [token, readAt] = ["", -TOKEN_MS];
  return async () => {
    if (credential.kind === "certificate") return {};
    if (credential.kind === "token") return { authorization: `Bearer ${credential.token}` };
    if (performance.now() - readAt >= TOKEN_MS) {
      token = (await Deno.readTextFile(credential.path)).trim();
      readAt = performance.now();
    }
    return { authorization: `Bearer ${token}` };
  };
}

function urlOf(server: string, { path, query = {} }: ApiRequest): string {
  const url = new URL(`${server}${path}`);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url.href;
}

function contentType({ body, contentType = "application/json" }: ApiRequest): Record<string, string> {
  return body === undefined ? {} : { "content-type": contentType };
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
