/** The library's own handlers, for whatever no fast path takes, on our requests and responses. */
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import type { Bodies } from "./bodies.ts";
import { drained, isGone, writeHead } from "./body.ts";
import { callValues, urlOf } from "./context.ts";
import { webHeaders } from "./headers.ts";
import { jsonProblem, messageBytesMaxOf, type MessageSizes } from "./json_shape.ts";
import type { NodeRequest, Outgoing } from "./node_http.ts";

/** Room for the frames around a message. */
const FRAMES_BYTES = 1024;

export interface BodyOptions extends MessageSizes {
  readonly bodies: Bodies;
}

/** Answers a request by a handler of the library. Rejects when the answer breaks off in its middle. */
export async function answerUniversal(
  handler: UniversalHandler,
  request: NodeRequest,
  response: Outgoing,
  options: BodyOptions,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const answer = await handler({
    httpVersion: request.httpVersion,
    method: request.method ?? "",
    url: urlOf(request),
    header: webHeaders(request.headers),
    body: wholeBody(request, options.bodies, messageBytesMaxOf(request, options)),
    signal: gone.signal,
    contextValues: callValues(request),
  });
  const parts = answer.body?.[Symbol.asyncIterator]();
  // The implementation may set headers until its first message.
  let part = await parts?.next();
  if (isGone(response)) return void await parts?.return?.();
  writeHead(response, answer.status, answer.header ?? new Headers());
  for (; parts !== undefined && part !== undefined && part.done !== true; part = await parts.next()) {
    if (!response.write(part.value)) await drained(response);
    if (isGone(response)) return void await parts.return?.();
  }
  response.end();
}

/** The body in one piece; it is read once the handler asks for it, after the call was admitted. */
async function* wholeBody(
  request: NodeRequest,
  bodies: Bodies,
  bytesMax: number,
): AsyncGenerator<Uint8Array> {
  const body = await bodies.read(request, bytesMax + FRAMES_BYTES);
  const isJson = request.headers["content-type"]?.includes("json") === true;
  const problem = isJson ? jsonProblem(body) : undefined;
  if (problem !== undefined) throw new ConnectError(problem, Code.InvalidArgument);
  yield body;
}
