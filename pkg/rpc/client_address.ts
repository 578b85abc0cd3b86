import type { IncomingHttpHeaders } from "node:http";

/** Set by the server on each request: also the library's handlers pass headers on, and nothing else of a request. */
const HEADER = "x-unkey-client-address";

/** Notes the address of a request's connection, in place of what the client may say. */
export function noteClientAddress(headers: IncomingHttpHeaders, address: string | undefined): void {
  // That of IPv4 on a socket of both.
  headers[HEADER] = (address ?? "").replace(/^::ffff:(?=[\d.]+$)/, "");
}

/** The address of the connection that a request came on, which may be that of a proxy; empty when it is gone already. */
export function clientAddress(headers: Headers): string {
  return headers.get(HEADER) ?? "";
}
