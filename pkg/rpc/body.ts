/** Bodies of requests and responses on Node's servers. */
import { Code, ConnectError } from "@connectrpc/connect";
import type { NodeRequest, Outgoing } from "./node_http.ts";

/**
 * The whole body of a request.
 *
 * @throws `resource_exhausted` when it is longer than `bytesMax`, `canceled` when the client goes away meanwhile
 */
export function bytesOf(request: NodeRequest, bytesMax: number): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const parts: Uint8Array[] = [];
  let length = 0;
  // At once, and not when the promise is awaited: a request is also closed after it has ended.
  const settle = (): void => {
    request.off("data", take).off("end", end).off("close", gone).off("error", gone);
  };
  const take = (part: Uint8Array): void => {
    parts.push(part);
    length += part.length;
    if (length <= bytesMax) return;
    settle();
    reject(new ConnectError("message is larger than allowed", Code.ResourceExhausted));
  };
  const end = (): void => {
    settle();
    resolve(joined(parts, length));
  };
  const gone = (): void => {
    settle();
    reject(new ConnectError("the client went away", Code.Canceled));
  };
  request.on("data", take).once("end", end).once("close", gone).once("error", gone);
  return promise;
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Begins the response. */
export function writeHead(response: Outgoing, status: number, headers: Headers): void {
  const own: Record<string, string | string[]> = {};
  headers.forEach((value, name) => own[name] = name === "set-cookie" ? headers.getSetCookie() : value);
  response.writeHead(status, own);
}

/** True when the peer does not read any more. */
export function isGone(response: Outgoing): boolean {
  return response.destroyed;
}

/** Until the client has taken what was written, or is gone. */
export function drained(response: Outgoing): Promise<void> {
  return new Promise((resolve) => {
    if (isGone(response)) return resolve();
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.once("drain", done).once("close", done);
  });
}
