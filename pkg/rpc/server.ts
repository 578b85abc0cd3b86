import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  type HandlerContext,
  type Interceptor,
} from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import type { DescMethod, DescMethodServerStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import type { Clock } from "../clock/mod.ts";
import { describeError } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { type Metrics, NO_METRICS } from "../metrics/mod.ts";
import { type Admission, admitCall, callInterceptor } from "./call.ts";
import { isGone, writeHead } from "./body.ts";
import { OpenCalls, pathOf, urlOf } from "./context.ts";
import { type HttpListener, ignore } from "./listener.ts";
import { CallMetrics } from "./metrics.ts";
import type { NodeRequest, NodeResponse } from "./node_http.ts";
import { CONNECTION_LIMITS, type ConnectionLimits, openListener, type PortOptions } from "./open_listener.ts";
import { answerUniversal, type BodyOptions } from "./universal.ts";
import { Bodies, BODY_LIMITS, type BodyLimits } from "./bodies.ts";
import type { MessageSizes } from "./json_shape.ts";
import { answerPlain, type HttpRoute } from "./plain.ts";
import { StallGuard } from "./stall.ts";
import { isPlainStream, streamHandler } from "./stream.ts";
import { isPlainUnary, unaryHandler } from "./unary.ts";
import { linger } from "./web.ts";

export interface RpcServerOptions extends PortOptions {
  readonly clock: Clock;
  /** Registers the services. */
  readonly mount: (router: ConnectRouter) => void;
  /** Decides on each call before its body is read. */
  readonly admit?: Admission;
  /** Inside of logging and fault conversion, outermost first. */
  readonly interceptors?: readonly Interceptor[];
  /** Plain HTTP beside the RPCs, asked in order. */
  readonly routes?: readonly HttpRoute[];
  /** True if the service can do its work now; not asked while the server stops. */
  readonly ready?: () => Promise<boolean>;
  readonly limits?: Partial<ServerLimits>;
  readonly metrics?: Metrics | undefined;
}

/** Bounds of a server. */
export interface ServerLimits extends ConnectionLimits, BodyLimits {
  /** The largest message taken, in bytes. */
  readonly messageBytesMax: number;
  /** The same for methods that take less, such as those that need no credentials. */
  readonly messageBytesMaxOf: ReadonlyMap<DescMethod, number>;
  /** The largest message in JSON, in bytes. */
  readonly jsonBytesMax: number;
  /** The same for methods whose messages are long, such as lists of files. */
  readonly jsonBytesMaxOf: ReadonlyMap<DescMethod, number>;
  /** The longest that a unary call may take, in milliseconds. */
  readonly unaryMsMax: number;
  /** The same for those that may take longer, or less. */
  readonly unaryMsMaxOf: ReadonlyMap<DescMethod, number>;
  /** The longest timeout that a client may ask for, in milliseconds. */
  readonly timeoutMsMax: number;
  /** The longest time that the client of a stream may read nothing, in milliseconds; then it is cut. */
  readonly stallMsMax: number;
  /** The longest time that calls may go on after a stop, in milliseconds; then they are cut. */
  readonly drainMsMax: number;
}

const LIMITS: ServerLimits = {
  ...CONNECTION_LIMITS,
  ...BODY_LIMITS,
  messageBytesMax: 4 * 1024 * 1024,
  messageBytesMaxOf: new Map(),
  jsonBytesMax: 256 * 1024,
  jsonBytesMaxOf: new Map(),
  unaryMsMax: 60_000,
  unaryMsMaxOf: new Map(),
  timeoutMsMax: 24 * 3_600_000,
  stallMsMax: 60_000,
  drainMsMax: 10_000,
};

/** A server that listens. */
export interface RpcServer {
  readonly port: number;
  /** Until `signal` aborts. Rejects when the port accepts nothing any more: the process should end. */
  run(signal: AbortSignal): Promise<void>;
  /** Stops accepting, ends streams, waits for calls up to the drain limit. Safe to repeat. */
  shutdown(): Promise<void>;
}

type Handle = (request: NodeRequest, response: NodeResponse) => Promise<void>;

/**
 * Serves Connect and gRPC-Web, JSON and binary, over HTTP/1.1 and HTTP/2 with prior knowledge on one port.
 *
 * `/v1/liveness` and `/health/live` say that the process answers, `/health/ready` that it can work.
 *
 * @throws `failed_precondition` when the port is taken or not allowed
 */
export async function serveRpc(options: RpcServerOptions): Promise<RpcServer> {
  const limits = { ...LIMITS, ...options.limits };
  const { clock, log } = options;
  const stopping = new AbortController();
  const guard = new StallGuard(limits.stallMsMax);
  const bodies = new Bodies(limits);
  const metrics = new CallMetrics(options.metrics ?? NO_METRICS);
  const handlers = rpcHandlers(options, limits, { guard, bodies, stopping: stopping.signal, metrics });
  const { routes = [], ready } = options;
  const plain = {
    routes,
    log,
    bodies,
    metrics,
    ready: async () => !stopping.signal.aborted && (ready === undefined || await ready()),
  };
  const answer: Handle = async (request, response) => {
    const rpc = handlers.get(pathOf(request));
    if (rpc !== undefined) return await rpc(request, response);
    guard.add(response);
    await answerPlain(request, response, plain).finally(() => guard.remove(response));
  };
  const listener = await openListener(options, limits, (request, response) => {
    request.on("error", ignore);
    response.on("error", ignore);
    answer(request, response).catch((error: unknown) => {
      // A client that goes away is no failure.
      if (!isGone(response)) log.error("request failed", { error: describeError(error) });
      response.destroy();
    });
  });
  let done: Promise<void> | undefined;
  return {
    port: listener.port,
    run: (signal) => listener.run(signal),
    shutdown: () => done ??= shutdown(listener, { stopping, limitMs: limits.drainMsMax, clock, log }),
  };
}

/** The parts that all calls of a server share. */
interface Shared {
  readonly guard: StallGuard;
  readonly bodies: Bodies;
  readonly stopping: AbortSignal;
  readonly metrics: CallMetrics;
}

/** The handlers of all procedures by path. */
function rpcHandlers(
  options: RpcServerOptions,
  limits: ServerLimits,
  { guard, bodies, stopping, metrics }: Shared,
): ReadonlyMap<string, Handle> {
  const { log, clock, admit, interceptors = [] } = options;
  const admission = admitCall(admit, { clock, log, metrics });
  const { unaryMsMax, unaryMsMaxOf, messageBytesMax, messageBytesMaxOf } = limits;
  const sizesOf = (method: DescMethod): MessageSizes => ({
    messageBytesMax: messageBytesMaxOf.get(method) ?? messageBytesMax,
    jsonBytesMax: limits.jsonBytesMaxOf.get(method) ?? limits.jsonBytesMax,
  });
  const all = [callInterceptor({ log, clock, metrics, unaryMsMax, unaryMsMaxOf }), ...interceptors];
  const router = createConnectRouter({
    grpc: false,
    readMaxBytes: messageBytesMax,
    maxTimeoutMs: limits.timeoutMsMax,
    requestGate: admission,
    interceptors: all,
    shutdownSignal: stopping,
  });
  const serve = {
    admit: admission,
    interceptors: all,
    bodies,
    open: new OpenCalls(stopping),
    guard,
  };
  const fast = new Map<string, FastPath>();
  options.mount(recordMethods(router, (method, implementation) => {
    const path = `/${method.parent.typeName}/${method.name}`;
    const own = { ...serve, ...sizesOf(method) };
    if (isUnary(method)) {
      const takes = (request: NodeRequest): boolean => isPlainUnary(request, own.messageBytesMax);
      fast.set(path, { takes, handle: unaryHandler(method, implementation, own) });
    } else if (isServerStreaming(method)) {
      fast.set(path, { takes: isPlainStream, handle: streamHandler(method, implementation, own) });
    }
  }));
  return new Map(router.handlers.map((each) => {
    const general = generalHandler(each, guard, { bodies, ...sizesOf(each.method) });
    const plain = fast.get(each.requestPath);
    return [
      each.requestPath,
      (request, response) => (plain?.takes(request) ? plain.handle : general)(request, response),
    ];
  }));
}

/** Serves what it takes; the rest is for the general handler. */
interface FastPath {
  readonly takes: (request: NodeRequest) => boolean;
  readonly handle: Handle;
}

/** The implementation of a method; the router's types have checked that it fits the method. */
type Implementation = (message: Message, context: HandlerContext) => unknown;

/** A router that also hands each implementation that is registered with it to `found`. */
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

/** The handlers of requests that no fast path takes. */
function generalHandler(handler: UniversalHandler, guard: StallGuard, body: BodyOptions): Handle {
  return async (request, response) => {
    if (!URL.canParse(urlOf(request))) {
      writeHead(response, 400, new Headers());
      return void response.end();
    }
    guard.add(response);
    response.once("finish", () => linger(request)).once("close", () => guard.remove(response));
    await answerUniversal(handler, request, response, body);
  };
}

interface Stop {
  readonly stopping: AbortController;
  readonly limitMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

async function shutdown(
  listener: HttpListener,
  { stopping, limitMs, clock, log }: Stop,
): Promise<void> {
  stopping.abort(new ConnectError("The server is stopping: connect again.", Code.Unavailable));
  const drained = new AbortController();
  const late = clock.sleep(limitMs, drained.signal).then(() => "late", () => "drained");
  const closed = listener.close();
  const outcome = await Promise.race([closed.then(() => "drained"), late]);
  drained.abort();
  if (outcome !== "late") return;
  log.warn("calls did not end in time", { limit_ms: limitMs });
  listener.cut();
  await closed;
}
