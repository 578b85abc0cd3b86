import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  type HandlerContext,
  type Interceptor,
} from "@connectrpc/connect";
import { createFetchHandler } from "@connectrpc/connect/protocol";
import type { DescMethod, DescMethodServerStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import type { Clock } from "../clock/mod.ts";
import { Fault } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { flowingBody, StallGuard } from "./flow.ts";
import { isPlainStream, streamHandler } from "./stream.ts";
import { isPlainUnary, unaryHandler } from "./unary.ts";
import { callInterceptor, type Gate, requestGate } from "./call.ts";

/** Answers a request, or `undefined` when it is not meant for this route. */
export type HttpRoute = (request: Request) => Promise<Response | undefined>;

/** What a server needs. */
export interface RpcServerOptions {
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** The setting to name when the port is taken, e.g. `--http-port (UNKEY_HTTP_PORT)`. */
  readonly portSetting: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** Registers the services. */
  readonly mount: (router: ConnectRouter) => void;
  /** Decides on each call before its body is read. */
  readonly gate?: Gate;
  /** Inside of logging and fault conversion, outermost first. */
  readonly interceptors?: readonly Interceptor[];
  /** Plain HTTP beside the RPCs, asked in order. */
  readonly routes?: readonly HttpRoute[];
  /** Whether the service can do its work now; not asked while the server stops. */
  readonly ready?: () => Promise<boolean>;
  readonly limits?: Partial<ServerLimits>;
}

/** Bounds of a server. */
export interface ServerLimits {
  /** The largest message taken, in bytes. */
  readonly messageBytesMax: number;
  /** The longest that a unary call may take, in milliseconds. */
  readonly unaryMsMax: number;
  /** The same for those that may take longer, or less. */
  readonly unaryMsMaxOf: ReadonlyMap<DescMethod, number>;
  /** The longest timeout that a client may ask for, in milliseconds. */
  readonly timeoutMsMax: number;
  /** How long the client of a stream may read nothing, in milliseconds; then it is cut. */
  readonly stallMsMax: number;
  /** How long calls may go on after a stop, in milliseconds; then nobody waits for them. */
  readonly drainMsMax: number;
}

const LIMITS: ServerLimits = {
  messageBytesMax: 4 * 1024 * 1024,
  unaryMsMax: 60_000,
  unaryMsMaxOf: new Map(),
  timeoutMsMax: 24 * 3_600_000,
  stallMsMax: 60_000,
  drainMsMax: 10_000,
};

/** A server that listens. */
export interface RpcServer {
  readonly port: number;
  /** Stops accepting, ends streams, waits for calls up to the drain limit. Safe to repeat. */
  shutdown(): Promise<void>;
}

type FetchHandler = (request: Request) => Promise<Response>;

/**
 * Serves Connect and gRPC-Web, JSON and binary, over HTTP/1.1 and HTTP/2 with prior knowledge on one port. Plain gRPC is
 * refused with 415: it needs HTTP trailers, which `Deno.serve` cannot send.
 *
 * `/v1/liveness` and `/health/live` say that the process answers, `/health/ready` that it can work.
 *
 * @throws `failed_precondition` when the port is taken or not allowed
 */
export function serveRpc(options: RpcServerOptions): RpcServer {
  const limits = { ...LIMITS, ...options.limits };
  const { clock, log } = options;
  const stopping = new AbortController();
  const handlers = rpcHandlers(options, stopping.signal);
  const answer = (request: Request): Promise<Response> =>
    dispatch(request, handlers, options, stopping.signal);
  const server = listen(options, answer);
  let done: Promise<void> | undefined;
  return {
    port: server.addr.port,
    shutdown: () => done ??= shutdown(server, { stopping, limitMs: limits.drainMsMax, clock, log }),
  };
}

/** The fetch handlers of all procedures by path; exported for tests that want no socket. */
export function rpcHandlers(
  options: Pick<RpcServerOptions, "log" | "clock" | "mount" | "gate" | "interceptors" | "limits">,
  shutdownSignal?: AbortSignal,
): ReadonlyMap<string, FetchHandler> {
  const { log, clock, gate, interceptors = [] } = options;
  const limits = { ...LIMITS, ...options.limits };
  const shared = requestGate(gate, clock, log);
  const { unaryMsMax, unaryMsMaxOf } = limits;
  const all = [callInterceptor({ log, clock, unaryMsMax, unaryMsMaxOf }), ...interceptors];
  const router = createConnectRouter({
    grpc: false,
    readMaxBytes: limits.messageBytesMax,
    maxTimeoutMs: limits.timeoutMsMax,
    requestGate: shared,
    interceptors: all,
    ...(shutdownSignal === undefined ? {} : { shutdownSignal }),
  });
  const { messageBytesMax, stallMsMax } = limits;
  const guard = new StallGuard(stallMsMax);
  const serve = { gate: shared, interceptors: all, messageBytesMax, shutdownSignal, guard };
  const fast = new Map<string, FastPath>();
  options.mount(recordMethods(router, (method, implementation) => {
    const path = `/${method.parent.typeName}/${method.name}`;
    if (isUnary(method)) {
      const takes = (request: Request): boolean => isPlainUnary(request, messageBytesMax);
      fast.set(path, { takes, handle: unaryHandler(method, implementation, serve) });
    } else if (isServerStreaming(method)) {
      fast.set(path, { takes: isPlainStream, handle: streamHandler(method, implementation, serve) });
    }
  }));
  return new Map(router.handlers.map((each) => {
    const handle = createFetchHandler(each);
    const general = each.method.methodKind === "unary" ? handle : guarded(handle, guard);
    const plain = fast.get(each.requestPath);
    return [
      each.requestPath,
      (request) => plain?.takes(request) ? plain.handle(request) : general(request),
    ];
  }));
}

/** Serves what it takes; the rest is for the general handler. */
interface FastPath {
  readonly takes: (request: Request) => boolean;
  readonly handle: FetchHandler;
}

/** The implementation of a method; the router's types have checked that it fits the method. */
type Implementation = (message: Message, context: HandlerContext) => unknown;

/** A router that also tells the implementations that are registered with it. */
function recordMethods(
  router: ConnectRouter,
  found: (method: DescMethod, implementation: Implementation) => void,
): ConnectRouter {
  const recording: ConnectRouter = {
    handlers: router.handlers,
    rpc(method, implementation, options) {
      router.rpc(method, implementation, options);
      return recording;
    },
    service(service, implementation, options) {
      router.service(service, implementation, options);
      for (const method of service.methods) {
        const own: unknown = Reflect.get(implementation, method.localName);
        if (typeof own !== "function") continue;
        found(method, (message, context) => own.call(implementation, message, context));
      }
      return recording;
    },
  };
  return recording;
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === "unary";
}

function isServerStreaming(method: DescMethod): method is DescMethodServerStreaming {
  return method.methodKind === "server_streaming";
}

/** A stream whose client does not read is cut, whichever protocol it speaks. */
function guarded(handle: FetchHandler, guard: StallGuard): FetchHandler {
  return async (request) => {
    const response = await handle(request);
    if (response.body === null) return response;
    const body = flowingBody(response.body[Symbol.asyncIterator](), guard, () => undefined);
    return new Response(body, response);
  };
}

async function dispatch(
  request: Request,
  handlers: ReadonlyMap<string, FetchHandler>,
  options: RpcServerOptions,
  stopping: AbortSignal,
): Promise<Response> {
  const path = pathOf(request.url);
  const rpc = handlers.get(path);
  if (rpc !== undefined) return await rpc(request);
  if (path === "/v1/liveness") return new Response(null);
  if (path === "/health/live") return Response.json({ status: "alive" });
  if (path === "/health/ready") {
    const ready = !stopping.aborted && (options.ready === undefined || await options.ready());
    return Response.json({ status: ready ? "ready" : "not_ready" }, { status: ready ? 200 : 503 });
  }
  for (const route of options.routes ?? []) {
    const response = await route(request);
    if (response !== undefined) return response;
  }
  return Response.json({ error: { status: 404, title: "Not Found" } }, { status: 404 });
}

/** The path of an absolute URL; cheaper than parsing the whole of it for every call. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  if (start < 0) return "/";
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}

function listen(
  options: RpcServerOptions,
  answer: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  const { hostname, port, log } = options;
  try {
    return Deno.serve({
      hostname,
      port,
      onListen: () => undefined,
      onError: (error) => {
        log.error("request failed", { error: error instanceof Error ? error.message : String(error) });
        return new Response(null, { status: 500 });
      },
    }, answer);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw refusal(`Port ${port} on ${hostname} is taken by another process.`, options, error);
    }
    if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.AddrNotAvailable) {
      throw refusal(`Port ${port} on ${hostname} cannot be opened.`, options, error);
    }
    throw error;
  }
}

function refusal(what: string, { portSetting }: RpcServerOptions, cause: unknown): Fault {
  const text = `${what} Stop that process, or choose another port with ${portSetting}.`;
  return new Fault("failed_precondition", text, { publicMessage: text, cause });
}

interface Stop {
  readonly stopping: AbortController;
  readonly limitMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

async function shutdown(server: Deno.HttpServer, { stopping, limitMs, clock, log }: Stop): Promise<void> {
  stopping.abort(new ConnectError("The server is stopping: connect again.", Code.Unavailable));
  const drained = new AbortController();
  const late = clock.sleep(limitMs, drained.signal).then(() => "late", () => "drained");
  const outcome = await Promise.race([server.shutdown().then(() => "drained"), late]);
  drained.abort();
  // What is left ends with the process: a server that drains cannot be told to cut its connections any more.
  if (outcome === "late") log.warn("calls did not end in time", { limit_ms: limitMs });
}
