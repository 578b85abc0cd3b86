/** The library's own handlers, for whatever no fast path takes, on our requests and responses. */
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { drained, isGone, writeHead } from "./body.ts";
import { urlOf } from "./context.ts";
import { webHeaders } from "./headers.ts";
import type { NodeRequest, Outgoing } from "./node_http.ts";
import { bodyOf } from "./web.ts";

/** Answers a request by a handler of the library. Rejects when the answer breaks off in its middle. */
export async function answerUniversal(
  handler: UniversalHandler,
  request: NodeRequest,
  response: Outgoing,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const answer = await handler({
    httpVersion: request.httpVersion,
    method: request.method ?? "",
    url: urlOf(request),
    header: webHeaders(request.headers),
    body: bodyOf(request),
    signal: gone.signal,
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
