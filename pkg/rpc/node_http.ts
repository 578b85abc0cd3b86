import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import type { Http2Request } from "./http2_request.ts";
import type { Http2Response } from "./http2_response.ts";

/** A request of either version of HTTP. */
export type NodeRequest = IncomingMessage | Http2Request;
/** And where its answer goes. */
export type NodeResponse = ServerResponse | Http2Response;
/** The common part of the responses of both versions. */
export interface Outgoing extends Writable {
  readonly headersSent: boolean;
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown;
  /** In HTTP/2 they leave by themselves. */
  flushHeaders?(): void;
}
/** Answers a request. It may neither throw nor reject. */
export type NodeHandler = (request: NodeRequest, response: NodeResponse) => void;

/** Times in milliseconds. */
export interface HttpTimes {
  /** From the first byte of a request to the end of its head, and from a connection's begin to its first request. */
  readonly headMsMax: number;
  /** The longest time that a connection may be idle between requests. */
  readonly keepAliveMs: number;
}
