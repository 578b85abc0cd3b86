/**
 * The common case of Connect's streams, served with little work and memory: one uncompressed request, and a stream of
 * answers without a timeout.
 *
 * It goes through the same gate, interceptors and codecs as any other call. A message that several streams send, the
 * very same object, is encoded once.
 */
import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  fromBinary,
  fromJsonString,
  type Message,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext, type Interceptor } from "@connectrpc/connect";
import { endStreamFlag, endStreamToJson } from "@connectrpc/connect/protocol-connect";
import type { Gate } from "./call.ts";
import { CallContext, CONTEXT, ownBuffer } from "./context.ts";
import { flowingBody, type StallGuard } from "./flow.ts";

/** What streams are served with. */
export interface StreamOptions {
  readonly gate: Gate;
  /** Outermost first. */
  readonly interceptors: readonly Interceptor[];
  readonly messageBytesMax: number;
  readonly shutdownSignal: AbortSignal | undefined;
  readonly guard: StallGuard;
}

/** The implementation of a method; the router's types have checked that it fits the method. */
export type StreamImplementation = (message: Message, context: HandlerContext) => unknown;

type FetchHandler = (request: Request) => Promise<Response>;
type AnyFn = ReturnType<Interceptor>;

const ENVELOPE_BYTES = 5;
const encoder = new TextEncoder();

const CODECS = {
  "application/connect+proto": {
    read: (schema: DescMessage, body: Uint8Array): Message => fromBinary(schema, body),
    write: (schema: DescMessage, message: Message): Uint8Array => toBinary(schema, message),
  },
  "application/connect+json": {
    read: (schema: DescMessage, body: Uint8Array): Message =>
      fromJsonString(schema, new TextDecoder().decode(body), { ignoreUnknownFields: true }),
    write: (schema: DescMessage, message: Message): Uint8Array =>
      encoder.encode(toJsonString(schema, message)),
  },
};

type Codec = keyof typeof CODECS;

/** Whether the fast path takes this request. */
export function isPlainStream(request: Request): boolean {
  const { headers } = request;
  const encoding = headers.get("connect-content-encoding") ?? "identity";
  return request.method === "POST" && isCodec(headers.get("content-type")) && encoding === "identity" &&
    !headers.has("connect-timeout-ms");
}

function isCodec(type: string | null): type is Codec {
  return type !== null && Object.hasOwn(CODECS, type);
}

/** Serves one method that streams its answers, for requests that `isPlainStream` accepts. */
export function streamHandler(
  method: DescMethodServerStreaming,
  implementation: StreamImplementation,
  options: StreamOptions,
): FetchHandler {
  const encoded: Record<Codec, WeakMap<object, Uint8Array>> = {
    "application/connect+proto": new WeakMap(),
    "application/connect+json": new WeakMap(),
  };
  const call = options.interceptors.reduceRight<AnyFn>((next, each) => each(next), (request) => {
    const context = request.contextValues.get(CONTEXT);
    if (!request.stream || context === undefined) {
      throw new ConnectError("stream method called as unary", Code.Internal);
    }
    return Promise.resolve({
      stream: true,
      service: method.parent,
      method,
      header: context.responseHeader,
      trailer: context.responseTrailer,
      message: answersOf(request.message, (message) => implementation(message, context)),
    });
  });

  async function* envelopes(type: Codec, request: Request, context: CallContext): AsyncGenerator<Uint8Array> {
    let failure: ConnectError | undefined;
    try {
      const response = await call({
        stream: true,
        service: method.parent,
        method,
        requestMethod: context.requestMethod,
        url: context.url,
        header: context.requestHeader,
        contextValues: context.values,
        signal: context.signal,
        message: requestOf(type, method.input, request, options.messageBytesMax),
      });
      if (!response.stream) throw new ConnectError("stream method answered as unary", Code.Internal);
      for await (const message of response.message) {
        let bytes = encoded[type].get(message);
        if (bytes === undefined) {
          // The implementation gives what its type promises: the output message, or what one is created from.
          const written = CODECS[type].write(method.output, create(method.output, message as never));
          bytes = envelope(0, written);
          encoded[type].set(message, bytes);
        }
        yield bytes;
      }
    } catch (error) {
      failure = ConnectError.from(error);
    } finally {
      context.end();
    }
    yield envelope(endStreamFlag, endOf(context.responseTrailer, failure));
  }

  return async (request) => {
    const context = new CallContext(request, method, options.shutdownSignal);
    const type = request.headers.get("content-type");
    if (!isCodec(type)) return new Response(null, { status: 415 });
    context.responseHeader.set("content-type", type);
    try {
      await options.gate(context);
    } catch (error) {
      context.end();
      const end = envelope(endStreamFlag, endOf(context.responseTrailer, ConnectError.from(error)));
      return new Response(ownBuffer(end), { headers: context.responseHeader });
    }
    context.values.set(CONTEXT, context);
    const body = flowingBody(envelopes(type, request, context), options.guard, () => context.end());
    return new Response(body, { headers: context.responseHeader });
  };
}

/** Reads the one request, then hands on what the implementation answers. */
async function* answersOf(
  input: AsyncIterable<Message>,
  answer: (message: Message) => unknown,
): AsyncGenerator<Message> {
  for await (const message of input) {
    // The router's types have checked that a streaming implementation gives something to iterate over.
    yield* answer(message) as AsyncIterable<Message>;
  }
}

async function* requestOf(
  type: Codec,
  schema: DescMessage,
  request: Request,
  bytesMax: number,
): AsyncGenerator<Message> {
  const body = await bytesOf(request, bytesMax + ENVELOPE_BYTES);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  if (
    body.length < ENVELOPE_BYTES || view.getUint8(0) !== 0 ||
    view.getUint32(1) !== body.length - ENVELOPE_BYTES
  ) {
    throw new ConnectError("the request must be one uncompressed message", Code.InvalidArgument);
  }
  yield read(type, schema, body.subarray(ENVELOPE_BYTES));
}

function read(type: Codec, schema: DescMessage, body: Uint8Array): Message {
  try {
    return CODECS[type].read(schema, body);
  } catch (error) {
    throw ConnectError.from(error, Code.InvalidArgument);
  }
}

/** The body; streams need not declare its length, so that it is bounded while it is read. */
async function bytesOf(request: Request, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    parts.push(part);
    length += part.length;
    if (length > bytesMax) throw new ConnectError("message is larger than allowed", Code.ResourceExhausted);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}

function envelope(flags: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ENVELOPE_BYTES + data.length);
  bytes[0] = flags;
  new DataView(bytes.buffer).setUint32(1, data.length);
  bytes.set(data, ENVELOPE_BYTES);
  return bytes;
}

function endOf(trailer: Headers, error: ConnectError | undefined): Uint8Array {
  return encoder.encode(JSON.stringify(endStreamToJson(trailer, error, undefined)));
}
