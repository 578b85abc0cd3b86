import type { DescService } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { explainTls } from "../tls/mod.ts";
import type { Secret } from "../secret/mod.ts";

export interface ClientOptions {
  readonly baseUrl: string;
  readonly token?: Secret;
  /** Deadline of a unary call. Streams have none: they end by their signal. */
  readonly timeoutMs?: number;
  /** Sent with every call, e.g. `x-krane-region`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON instead of binary messages, for reading along. */
  readonly json?: boolean;
  /** Makes the requests: with certificates and authorities of one's own, where there are any. */
  readonly fetch?: typeof fetch;
}

const TIMEOUT_MS = 10_000;

/** A typed client over Connect. Errors reach the caller as `ConnectError`; `fromConnectError` makes them faults. */
export function createRpcClient<S extends DescService>(service: S, options: ClientOptions): Client<S> {
  const { baseUrl, token, headers = {}, timeoutMs = TIMEOUT_MS, fetch: request = fetch } = options;
  const authorize: Interceptor = (next) => (request) => {
    if (token !== undefined) request.header.set("authorization", `Bearer ${token.reveal()}`);
    for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
    return next(request);
  };
  const deadline: Interceptor = (next) => async (request) => {
    if (request.stream) return await next(request);
    const late = AbortSignal.timeout(timeoutMs);
    try {
      return await next({ ...request, signal: AbortSignal.any([request.signal, late]) });
    } catch (error) {
      if (!late.aborted || request.signal.aborted) throw error;
      throw connectError(`No answer within ${timeoutMs} ms.`, Code.DeadlineExceeded, error);
    }
  };
  return createClient(
    service,
    createConnectTransport({
      baseUrl,
      interceptors: [authorize, deadline, lostConnection],
      useBinaryFormat: options.json !== true,
      fetch: abortable(request),
    }),
  );
}

/** A failed `fetch` is unavailable: the transport itself would call it unknown. */
const lostConnection: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    if (!response.stream) return response;
    return { ...response, message: readUntilLost(response.message) };
  } catch (error) {
    throw whenLost(error);
  }
};

async function* readUntilLost<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw whenLost(error);
  }
}

/** `fetch` and the bodies that it reads fail with a `TypeError` when the network does, and with nothing else. */
function whenLost(error: unknown): unknown {
  if (!(error instanceof TypeError)) return error;
  const { message } = error.cause instanceof Error ? error.cause : error;
  const why = message.replace(/^error sending request for url \(\S*\): (client error \(Connect\): )?/, "");
  return connectError(`The connection failed: ${explainTls(message) ?? why}.`, Code.Unavailable, error);
}

/** True for a call that found no server it could trust: TLS failed in a way that no repetition mends. */
export function isUntrusted(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (explainTls(each.message) !== undefined) return true;
  }
  return false;
}

function connectError(message: string, code: Code, cause: unknown): ConnectError {
  return new ConnectError(message, code, undefined, undefined, cause);
}

/**
 * `fetch` whose signal also ends a body that is being read. Once the `Response` is collected as garbage, Deno does not
 * tell its body of an abort any more, so that a stream would never end: the signal keeps the response alive.
 */
function abortable(request: typeof fetch): typeof fetch {
  return async (input, init) => {
    const response = await request(input, init);
    init?.signal?.addEventListener("abort", () => void response, { once: true });
    return response;
  };
}
