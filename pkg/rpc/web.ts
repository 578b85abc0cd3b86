/** Plain HTTP works with `Request` and `Response`: here they meet Node's servers. */
import type { Bodies } from "./bodies.ts";
import { drained, isGone, writeHead } from "./body.ts";
import { urlOf } from "./context.ts";
import { webHeaders } from "./headers.ts";
import type { NodeRequest, Outgoing } from "./node_http.ts";

/** The longest time that a client that was answered early may go on sending, so that it comes to read the answer. */
const LINGER_MS = 1_000;

/** Methods that `Request` cannot have. */
const FORBIDDEN_METHODS = new Set(["CONNECT", "TRACE", "TRACK"]);

/** The status for a request that cannot be a `Request`. */
export function webProblem(request: NodeRequest): 400 | 405 | undefined {
  if (FORBIDDEN_METHODS.has((request.method ?? "GET").toUpperCase())) return 405;
  return URL.canParse(urlOf(request)) ? undefined : 400;
}

/**
 * The request; its body is read as fast as it is taken, and its signal aborts when the client goes away. With `bodies`, a
 * body that comes too slowly breaks off.
 */
export function webRequest(request: NodeRequest, response: Outgoing, bodies?: Bodies): Request {
  const method = request.method ?? "GET";
  const headers = webHeaders(request.headers);
  const body = method === "GET" || method === "HEAD" ? null : bodyOf(request, bodies);
  const gone = new AbortController();
  response.once("close", () => response.writableFinished || gone.abort());
  return new Request(urlOf(request), { method, headers, body, signal: gone.signal });
}

/** The body of a request, read as fast as it is taken. */
function bodyOf(request: NodeRequest, bodies: Bodies | undefined): ReadableStream<Uint8Array<ArrayBuffer>> {
  const watched = bodies?.watch(() => request.destroy());
  const rest = (): void => {
    if (watched?.sinceMs === undefined) return;
    watched.waitedMs += performance.now() - watched.sinceMs;
    watched.sinceMs = undefined;
  };
  const over = (): void => {
    if (watched !== undefined) bodies?.forget(watched);
  };
  return new ReadableStream({
    start(controller) {
      const gone = (): void => {
        over();
        controller.error(new Error("the client went away"));
      };
      request.on("data", (part: Uint8Array<ArrayBuffer>) => {
        request.pause();
        rest();
        if (watched !== undefined) watched.bytes += part.length;
        controller.enqueue(new Uint8Array(part.buffer, part.byteOffset, part.length));
      });
      request.once("end", () => {
        over();
        controller.close();
      }).once("close", gone).once("error", gone);
      request.pause();
      rest();
    },
    pull: () => {
      if (watched !== undefined) watched.sinceMs ??= performance.now();
      request.resume();
    },
    cancel: () => {
      over();
      discard(request);
    },
  }, { highWaterMark: 0 });
}

/**
 * Sends the response; its body is taken as fast as the client reads. Ends when it is sent, or the client is gone. The body
 * is let go in every case, also when the client left before this was called.
 */
export async function sendResponse(
  request: NodeRequest,
  response: Outgoing,
  { status, headers, body }: Response,
): Promise<void> {
  const parts = body?.getReader();
  const leave = (): void => void parts?.cancel().catch(() => undefined);
  response.once("close", leave);
  try {
    if (isGone(response)) return;
    writeHead(response, status, headers);
    for (let part = await parts?.read(); part?.value !== undefined; part = await parts?.read()) {
      if (!response.write(part.value)) await drained(response);
      if (isGone(response)) return;
    }
    response.end();
  } catch (error) {
    // The status is out already: all that is left to say is that this is not the whole of it.
    response.destroy();
    throw error;
  } finally {
    response.off("close", leave);
    leave();
  }
  linger(request);
}

/** Lets go of a request that was answered before it was read. */
export function linger(request: NodeRequest): void {
  if (request.complete) return;
  const timer = setTimeout(() => request.destroy(), LINGER_MS);
  request.once("close", () => clearTimeout(timer));
  discard(request);
}

function discard(request: NodeRequest): void {
  request.removeAllListeners("data").removeAllListeners("end").resume();
}
