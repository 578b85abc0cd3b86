/**
 * The common case of Connect's streams, served with little work and memory: one uncompressed request, and a stream of
 * answers without a timeout.
 *
 * It goes through the same admission, interceptors and codecs as any other call. A message that several streams send, the
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
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { endStreamFlag, endStreamToJson } from "@connectrpc/connect/protocol-connect";
import type { Bodies } from "./bodies.ts";
import { drained, isGone, writeHead } from "./body.ts";
import type { Admission } from "./call.ts";
import { CallContext, CONTEXT, offerSendNow, type OpenCalls } from "./context.ts";
import { ObservedStream } from "./observed_stream.ts";
import type { NodeRequest, Outgoing } from "./node_http.ts";
import { jsonProblem, messageBytesMaxOf, type MessageSizes } from "./json_shape.ts";
import type { StallGuard } from "./stall.ts";

export interface StreamOptions extends MessageSizes {
  readonly admit: Admission;
  /** Outermost first. */
  readonly interceptors: readonly Interceptor[];
  readonly bodies: Bodies;
  readonly open: OpenCalls;
  readonly guard: StallGuard;
}

/** The implementation of a method; the router's types have checked that it fits the method. */
export type StreamImplementation = (message: Message, context: HandlerContext) => unknown;

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

/** True if the fast path takes this request. */
export function isPlainStream({ method, headers }: NodeRequest): boolean {
  const encoding = headers["connect-content-encoding"] ?? "identity";
  return method === "POST" && isCodec(headers["content-type"]) && encoding === "identity" &&
    headers["connect-timeout-ms"] === undefined;
}

function isCodec(type: string | undefined): type is Codec {
  return type !== undefined && Object.hasOwn(CODECS, type);
}

/** Serves one method that streams its answers, for requests that `isPlainStream` accepts. */
export function streamHandler(
  method: DescMethodServerStreaming,
  implementation: StreamImplementation,
  options: StreamOptions,
): (request: NodeRequest, response: Outgoing) => Promise<void> {
  const { admit, open, guard, bodies } = options;
  const encoded: Record<Codec, WeakMap<object, Uint8Array>> = {
    "application/connect+proto": new WeakMap(),
    "application/connect+json": new WeakMap(),
  };
  const call = options.interceptors.reduceRight<AnyFn>((next, each) => each(next), async (request) => {
    const context = request.contextValues.get(CONTEXT);
    if (!request.stream || context === undefined) {
      throw new ConnectError("stream method called as unary", Code.Internal);
    }
    const message = await first(request.message);
    return {
      stream: true,
      service: method.parent,
      method,
      header: context.responseHeader,
      trailer: context.responseTrailer,
      // The router's types have checked that a streaming implementation gives something to iterate over.
      message: implementation(message, context) as AsyncIterable<Message>,
    };
  });

  const encode = (type: Codec, message: object): Uint8Array => {
    let bytes = encoded[type].get(message);
    if (bytes === undefined) {
      // The implementation gives what its type promises: the output message, or what one is created from.
      bytes = encodeEnvelope(0, CODECS[type].write(method.output, create(method.output, message as never)));
      encoded[type].set(message, bytes);
    }
    return bytes;
  };

  /** The answers of a call that was admitted. */
  const answersTo = async (context: CallContext, message: AsyncIterable<Message>) => {
    context.values.set(CONTEXT, context);
    const { requestMethod, url, requestHeader: header, values: contextValues, signal } = context;
    const answer = await call({
      stream: true,
      service: method.parent,
      method,
      requestMethod,
      url,
      header,
      contextValues,
      signal,
      message,
    });
    if (!answer.stream) throw new ConnectError("stream method answered as unary", Code.Internal);
    return answer.message;
  };

  /** Reads the answers from their source, so that nothing but the source waits for the next. */
  const send = async (answers: AsyncIterable<Message>, type: Codec, response: Outgoing): Promise<void> => {
    const observed = answers instanceof ObservedStream ? answers : undefined;
    let failure: unknown;
    try {
      for await (const answer of observed?.source ?? answers) {
        if (!response.write(encode(type, answer))) await drained(response);
        if (isGone(response)) return;
      }
    } catch (error) {
      failure = error;
    } finally {
      if (observed !== undefined) failure = observed.end(failure);
    }
    if (failure !== undefined) throw failure;
  };

  return async (request, response) => {
    const type = request.headers["content-type"];
    const context = new CallContext(request, response, { method, open });
    const begin = (): void => writeHead(response, 200, context.responseHeader);
    let failure: ConnectError | undefined;
    guard.add(response);
    try {
      if (!isCodec(type)) throw new ConnectError("unknown content type", Code.InvalidArgument);
      context.responseHeader.set("content-type", type);
      await admit(context);
      offerSendNow(context.values, (message) => {
        if (!response.headersSent || response.writableNeedDrain || isGone(response)) return false;
        response.write(encode(type, message));
        return true;
      });
      const answers = await answersTo(
        context,
        requestOf(type, method.input, request, { bodies, bytesMax: messageBytesMaxOf(request, options) }),
      );
      if (isGone(response)) return;
      begin();
      // The client may wait for it while there is nothing to say yet.
      response.flushHeaders?.();
      await send(answers, type, response);
    } catch (error) {
      failure = ConnectError.from(error);
    } finally {
      context.end();
      guard.remove(response);
    }
    if (isGone(response)) return;
    if (!response.headersSent) begin();
    response.end(encodeEnvelope(endStreamFlag, endOf(context.responseTrailer, failure)));
  };
}

async function first(messages: AsyncIterable<Message>): Promise<Message> {
  for await (const message of messages) return message;
  throw new ConnectError("the request has no message", Code.InvalidArgument);
}

async function* requestOf(
  type: Codec,
  schema: DescMessage,
  request: NodeRequest,
  { bodies, bytesMax }: { readonly bodies: Bodies; readonly bytesMax: number },
): AsyncGenerator<Message> {
  const body = await bodies.read(request, bytesMax + ENVELOPE_BYTES);
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
  const problem = type === "application/connect+json" ? jsonProblem(body) : undefined;
  if (problem !== undefined) throw new ConnectError(problem, Code.InvalidArgument);
  try {
    return CODECS[type].read(schema, body);
  } catch (error) {
    throw ConnectError.from(error, Code.InvalidArgument);
  }
}

function endOf(trailer: Headers, error: ConnectError | undefined): Uint8Array {
  return encoder.encode(JSON.stringify(endStreamToJson(trailer, error, undefined)));
}
