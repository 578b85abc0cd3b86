import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { type Block, CODE, Http2Connection, type Stream } from "../http2/mod.ts";
import { noteClientAddress } from "./client_address.ts";
import { Http2Request, requestParts } from "./http2_request.ts";
import { Http2Response } from "./http2_response.ts";
import type { HttpTimes, NodeHandler } from "./node_http.ts";

/** Watch streams of a process share a connection. */
const STREAMS_MAX = 1_000;
const HEAD_BYTES_MAX = 32 * 1024;
/** Bytes of bodies that were not read: of one request, and of all of a connection. */
const STREAM_WINDOW_BYTES = 256 * 1024;
const CONNECTION_WINDOW_BYTES = 1024 * 1024;
/** The pause between the two steps of a leave: requests on their way arrive within it. */
const LEAVE_MS = 100;
/** The longest time that a client may keep a connection open that was ended. */
const LINGER_MS = 2_000;

/** One HTTP/2 connection: its requests go to the handler as those of HTTP/1.1 do. */
export class Http2Session {
  readonly socket: Socket;
  readonly #times: HttpTimes;
  readonly #connection: Http2Connection;
  readonly #handle: NodeHandler;
  #served = false;
  /** When it was last seen to have a request, or ended. */
  #sinceMs = performance.now();
  #leftMs: number | undefined;

  constructor(socket: Socket, times: HttpTimes, handle: NodeHandler) {
    this.socket = socket;
    this.#times = times;
    this.#handle = handle;
    this.#connection = new Http2Connection({
      socket,
      limits: {
        streamsMax: STREAMS_MAX,
        headBytesMax: HEAD_BYTES_MAX,
        streamWindowBytes: STREAM_WINDOW_BYTES,
        connectionWindowBytes: CONNECTION_WINDOW_BYTES,
      },
      nowMs: () => performance.now(),
      accept: (stream, block, end) => this.#accept(stream, block, end),
      closed: () => this.#sinceMs = performance.now(),
    });
  }

  #accept(stream: Stream, block: Block, end: boolean): void {
    this.#served = true;
    const parts = block.tooLarge ? undefined : requestParts(block.fields);
    if (parts === undefined) {
      stream.headers([{ lower: ":status", value: block.tooLarge ? "431" : "400" }], true);
      return stream.forgo();
    }
    const length = parts.headers["content-length"];
    if (length !== undefined || end) stream.expect(end ? 0 : Number(length));
    const headers = { ...parts.headers };
    noteClientAddress(headers, this.socket.remoteAddress);
    const request = new Http2Request(stream, { ...parts, headers }, this.socket);
    const response = new Http2Response(stream, parts.method === "HEAD");
    stream.handler = {
      headers: () => undefined,
      data: (bytes: Buffer) => request.arrived(bytes),
      ended: () => request.ended(),
      drained: () => response.drained(),
      reset: () => {
        response.broken();
        request.destroy();
      },
    };
    if (end) request.ended();
    this.#handle(request, response);
  }

  /** Ends what has waited too long. */
  sweep(nowMs: number): void {
    if (this.#connection.over) {
      if (nowMs - this.#sinceMs > LINGER_MS) this.socket.destroy();
      return;
    }
    if (this.#leftMs !== undefined && nowMs - this.#leftMs >= LEAVE_MS) this.#connection.leave();
    const { headMsMax, keepAliveMs } = this.#times;
    const { blockSinceMs } = this.#connection;
    if (blockSinceMs !== undefined && nowMs - blockSinceMs > headMsMax) {
      return this.#connection.fail({ code: CODE.calm, text: "headers did not come in time" });
    }
    if (this.#connection.size > 0) this.#sinceMs = nowMs;
    // A connection that has never sent a request gets no more time than a head.
    const idleMsMax = this.#served ? keepAliveMs : headMsMax;
    if (nowMs - this.#sinceMs > idleMsMax) this.#connection.fail({ code: CODE.none, text: "" });
  }

  /** Takes no more requests, and ends the connection when those that run have ended. */
  leave(): void {
    if (this.#leftMs !== undefined) return;
    this.#leftMs = performance.now();
    this.#connection.leave();
  }
}
