/** Responses on Node's servers. */
import type { Outgoing } from "./node_http.ts";

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
