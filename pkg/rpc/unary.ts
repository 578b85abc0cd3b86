/**
 * The common case of Connect, served with little work: a unary call with a whole, uncompressed body and no timeout header.
 *
 * It goes through the same gate, interceptors and codecs as any other call. A message that several calls are answered
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
import { Code, ConnectError, type HandlerContext, type Interceptor } from "@connectrpc/connect";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import type { Gate } from "./call.ts";
import { CallContext, CONTEXT, ownBuffer } from "./context.ts";

/** What unary calls are served with. */
export interface UnaryOptions {
  readonly gate: Gate;
  /** Outermost first. */
  readonly interceptors: readonly Interceptor[];
  readonly messageBytesMax: number;
  readonly shutdownSignal: AbortSignal | undefined;
}

/** The implementation of a method; the router's types have checked that it fits the method. */
export type UnaryImplementation = (message: Message, context: HandlerContext) => unknown;

type FetchHandler = (request: Request) => Promise<Response>;
type AnyFn = ReturnType<Interceptor>;

const CODECS = {
  "application/proto": {
    read: (schema: DescMessage, body: Uint8Array): Message => fromBinary(schema, body),
    write: (schema: DescMessage, message: Message): BodyInit => ownBuffer(toBinary(schema, message)),
  },
  "application/json": {
    read: (schema: DescMessage, body: Uint8Array): Message =>
      fromJsonString(schema, new TextDecoder().decode(body), { ignoreUnknownFields: true }),
    write: (schema: DescMessage, message: Message): BodyInit => toJsonString(schema, message),
  },
};

type Codec = keyof typeof CODECS;

/** Whether the fast path takes this request. */
export function isPlainUnary(request: Request, messageBytesMax: number): boolean {
  const { headers } = request;
  return request.method === "POST" && isCodec(headers.get("content-type")) &&
    Number(headers.get("content-length") ?? NaN) <= messageBytesMax &&
    !headers.has("content-encoding") && !headers.has("connect-timeout-ms");
}

function isCodec(type: string | null): type is Codec {
  return type !== null && Object.hasOwn(CODECS, type);
}

/** Serves one unary method for requests that `isPlainUnary` accepts. */
export function unaryHandler(
  method: DescMethodUnary,
  implementation: UnaryImplementation,
  options: UnaryOptions,
): FetchHandler {
  const encoded: Record<Codec, WeakMap<Message, BodyInit>> = {
    "application/proto": new WeakMap(),
    "application/json": new WeakMap(),
  };
  const encode = (type: Codec, message: Message): BodyInit => {
    const known = encoded[type].get(message);
    if (known !== undefined) return known;
    const body = CODECS[type].write(method.output, message);
    encoded[type].set(message, body);
    return body;
  };
  const call = options.interceptors.reduceRight<AnyFn>((next, each) => each(next), async (request) => {
    if (request.stream) throw new ConnectError("unary method called as a stream", Code.Internal);
    const context = request.contextValues.get(CONTEXT);
    if (context === undefined) throw new ConnectError("the call has no context", Code.Internal);
    const answer = await implementation(request.message, context);
    return {
      stream: false,
      service: method.parent,
      method,
      header: context.responseHeader,
      trailer: context.responseTrailer,
      // The implementation returns what its type promises: the output message, or what one is created from.
      message: create(method.output, answer as never),
    };
  });
  return async (request) => {
    const context = new CallContext(request, method, options.shutdownSignal);
    try {
      await options.gate(context);
      const type = request.headers.get("content-type");
      if (!isCodec(type)) throw new ConnectError("unknown content type", Code.InvalidArgument);
      const input = read(type, method.input, await bytesOf(request, options.messageBytesMax));
      context.values.set(CONTEXT, context);
      const response = await call(callOf(context, method, input));
      if (response.stream) throw new ConnectError("unary method answered with a stream", Code.Internal);
      context.responseHeader.set("content-type", type);
      return new Response(encode(type, response.message), { headers: context.responseHeader });
    } catch (error) {
      return failure(ConnectError.from(error), context);
    } finally {
      context.end();
    }
  };
}

function callOf(context: CallContext, method: DescMethodUnary, message: Message) {
  const { requestMethod, url, requestHeader: header, values: contextValues } = context;
  return {
    stream: false as const,
    service: method.parent,
    method,
    requestMethod,
    url,
    header,
    contextValues,
    message,
    get signal() {
      return context.signal;
    },
  };
}

function read(type: Codec, schema: DescMessage, body: Uint8Array): Message {
  try {
    return CODECS[type].read(schema, body);
  } catch (error) {
    throw ConnectError.from(error, Code.InvalidArgument);
  }
}

async function bytesOf(request: Request, bytesMax: number): Promise<Uint8Array> {
  // The declared length was checked, and the HTTP server reads no more than that.
  const bytes = await request.bytes();
  if (bytes.length > bytesMax) {
    throw new ConnectError("message is larger than allowed", Code.ResourceExhausted);
  }
  return bytes;
}

function failure(error: ConnectError, context: CallContext): Response {
  const headers = context.responseHeader;
  if (!error.isWireError) error.metadata.forEach((value, name) => headers.append(name, value));
  headers.set("content-type", "application/json");
  return new Response(ownBuffer(errorToJsonBytes(error, undefined)), {
    status: codeToHttpStatus(error.code),
    headers,
  });
}
