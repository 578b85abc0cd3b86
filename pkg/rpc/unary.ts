/**
 * The common case of Connect, served with little work: a unary call with a whole, uncompressed body and no timeout header.
 *
 * It goes through the same admission, interceptors and codecs as any other call. A message that several calls are answered
 * with, the very same object, is encoded once. Everything unusual (streams, gRPC-Web, GET,
 * compression, timeouts, bodies without a length or over the limit) is left to the general handler, which costs several
 * times as much because it treats every body as a stream.
 */
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  fromJsonString,
  type Message,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextValues,
  type HandlerContext,
  type Interceptor,
  type UnaryRequest,
} from "@connectrpc/connect";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import type { Bodies } from "./bodies.ts";
import { isGone, writeHead } from "./body.ts";
import type { Admission } from "./call.ts";
import { CallContext, CONTEXT, type OpenCalls } from "./context.ts";
import { jsonProblem, messageBytesMaxOf, type MessageSizes } from "./json_shape.ts";
import type { NodeRequest, Outgoing } from "./node_http.ts";

export interface UnaryOptions extends MessageSizes {
  readonly admit: Admission;
  /** Outermost first. */
  readonly interceptors: readonly Interceptor[];
  readonly bodies: Bodies;
  readonly open: OpenCalls;
}

/** The implementation of a method; the router's types have checked that it fits the method. */
export type UnaryImplementation = (message: Message, context: HandlerContext) => unknown;

type AnyFn = ReturnType<Interceptor>;

const CODECS = {
  "application/proto": {
    read: (schema: DescMessage, body: Uint8Array): Message => fromBinary(schema, body),
    write: (schema: DescMessage, message: Message): Uint8Array => toBinary(schema, message),
  },
  "application/json": {
    read: (schema: DescMessage, body: Uint8Array): Message =>
      fromJsonString(schema, new TextDecoder().decode(body), { ignoreUnknownFields: true }),
    write: (schema: DescMessage, message: Message): string => toJsonString(schema, message),
  },
};

type Codec = keyof typeof CODECS;

/** True if the fast path takes this request. */
export function isPlainUnary({ method, headers }: NodeRequest, messageBytesMax: number): boolean {
  return method === "POST" && isCodec(headers["content-type"]) &&
    Number(headers["content-length"] ?? NaN) <= messageBytesMax &&
    headers["content-encoding"] === undefined && headers["connect-timeout-ms"] === undefined;
}

function isCodec(type: string | undefined): type is Codec {
  return type !== undefined && Object.hasOwn(CODECS, type);
}

/** Serves one unary method for requests that `isPlainUnary` accepts. */
export function unaryHandler(
  method: DescMethodUnary,
  implementation: UnaryImplementation,
  options: UnaryOptions,
): (request: NodeRequest, response: Outgoing) => Promise<void> {
  const { admit, open, bodies } = options;
  /** Of messages that the implementation made itself, and so may answer with again. */
  const encoded = new WeakMap<Message, Partial<Record<Codec, string | Uint8Array>>>();
  const encode = (type: Codec, message: Message): string | Uint8Array => {
    const bodies = encoded.get(message);
    if (bodies === undefined) return CODECS[type].write(method.output, message);
    return bodies[type] ??= CODECS[type].write(method.output, message);
  };
  const call = options.interceptors.reduceRight<AnyFn>((next, each) => each(next), async (request) => {
    if (request.stream) throw new ConnectError("unary method called as a stream", Code.Internal);
    const context = request.contextValues.get(CONTEXT);
    if (context === undefined) throw new ConnectError("the call has no context", Code.Internal);
    const answer = await implementation(request.message, context);
    // The implementation returns what its type promises: the output message, or what one is created from.
    const message = create(method.output, answer as never);
    if (message === answer && !encoded.has(message)) encoded.set(message, {});
    return {
      stream: false,
      service: method.parent,
      method,
      header: context.responseHeader,
      trailer: context.responseTrailer,
      message,
    };
  });
  return async (request, response) => {
    const context = new CallContext(request, response, { method, open });
    const headers = context.responseHeader;
    try {
      await admit(context);
      const type = request.headers["content-type"];
      if (!isCodec(type)) throw new ConnectError("unknown content type", Code.InvalidArgument);
      const input = read(type, method.input, await bodies.read(request, messageBytesMaxOf(request, options)));
      context.values.set(CONTEXT, context);
      const answer = await call(new UnaryCall(context, method, input));
      if (answer.stream) throw new ConnectError("unary method answered with a stream", Code.Internal);
      const body = encode(type, answer.message);
      headers.set("content-type", type);
      send(response, 200, headers, body);
    } catch (error) {
      fail(response, headers, ConnectError.from(error));
    } finally {
      context.end();
    }
  };
}

/**
 * A call as interceptors see it. A class, because of its accessor: V8 makes a shape of its own for every object literal
 * with one, and each of them stays until the old generation is collected.
 */
class UnaryCall implements UnaryRequest {
  readonly stream = false;
  readonly service: UnaryRequest["service"];
  readonly method: DescMethodUnary;
  readonly message: Message;
  readonly requestMethod: string;
  readonly url: string;
  readonly header: Headers;
  readonly contextValues: ContextValues;
  readonly #context: CallContext;

  constructor(context: CallContext, method: DescMethodUnary, message: Message) {
    this.service = method.parent;
    this.method = method;
    this.message = message;
    this.requestMethod = context.requestMethod;
    this.url = context.url;
    this.header = context.requestHeader;
    this.contextValues = context.values;
    this.#context = context;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }
}

function read(type: Codec, schema: DescMessage, body: Uint8Array): Message {
  const problem = type === "application/json" ? jsonProblem(body) : undefined;
  if (problem !== undefined) throw new ConnectError(problem, Code.InvalidArgument);
  try {
    return CODECS[type].read(schema, body);
  } catch (error) {
    throw ConnectError.from(error, Code.InvalidArgument);
  }
}

function fail(response: Outgoing, headers: Headers, error: ConnectError): void {
  if (!error.isWireError) error.metadata.forEach((value, name) => headers.append(name, value));
  headers.set("content-type", "application/json");
  send(response, codeToHttpStatus(error.code), headers, errorToJsonBytes(error, undefined));
}

function send(
  response: Outgoing,
  status: number,
  headers: Headers,
  body: string | Uint8Array,
): void {
  if (isGone(response)) return;
  headers.set("content-length", String(Buffer.byteLength(body)));
  writeHead(response, status, headers);
  response.end(body);
}
