import { CODE, Http2Connection, type Problem, type Stream } from "../http2/mod.ts";
import { type Core, reportFailure } from "./core.ts";
import { ClientStream } from "./http2_stream.ts";
import type { ClientPeer, ClientSide } from "./peer.ts";

/** Requests of one client at a time. */
const STREAMS_MAX = 100;
/** Bytes of request bodies that an app has not taken: of one request, and of all of a connection. */
const STREAM_WINDOW_BYTES = 256 * 1024;
const CONNECTION_WINDOW_BYTES = 1024 * 1024;
/** The pause between the two steps of a leave: requests on their way arrive within it. */
const LEAVE_MS = 100;

/** One HTTP/2 connection of a client: many requests at a time. */
export class Http2Client implements ClientSide {
  readonly #core: Core;
  readonly #peer: ClientPeer;
  readonly #connection: Http2Connection;
  readonly #streams = new Set<ClientStream>();
  readonly #nowMs: () => number;
  /** When it was last seen to have a request, or was over. */
  #sinceMs: number;
  #served = false;
  #leftMs: number | undefined;

  constructor(core: Core, peer: ClientPeer, gone: (connection: Http2Client) => void) {
    const { clock, limits } = core.options;
    this.#core = core;
    this.#peer = peer;
    this.#nowMs = () => clock.now();
    this.#sinceMs = clock.now();
    this.#connection = new Http2Connection({
      socket: peer.socket,
      limits: {
        streamsMax: STREAMS_MAX,
        headBytesMax: limits.headBytesMax,
        streamWindowBytes: STREAM_WINDOW_BYTES,
        connectionWindowBytes: CONNECTION_WINDOW_BYTES,
      },
      nowMs: this.#nowMs,
      accept: (stream, block, end) => this.#accept(stream).begin(block, end),
      closed: (problem) => this.#closed(problem),
    });
    peer.socket.once("close", () => gone(this));
  }

  #accept(stream: Stream): ClientStream {
    const { newRequestId } = this.#core.options;
    const { address, scheme } = this.#peer;
    const client = new ClientStream(this.#core, stream, { address, scheme, newRequestId });
    stream.handler = client;
    this.#streams.add(client);
    this.#served = true;
    return client;
  }

  #closed(problem: Problem | undefined): void {
    this.#sinceMs = this.#nowMs();
    if (problem === undefined || problem.code === CODE.none) return;
    const detail = `The HTTP/2 connection was ended: ${problem.text}.`;
    reportFailure(this.#core, { kind: "bad_request", detail }, { id: this.#core.options.newRequestId() });
    this.#core.options.onStatus(400);
  }

  retire(): void {
    const nowMs = this.#nowMs();
    if (this.#leftMs !== undefined && nowMs - this.#leftMs < LEAVE_MS) return;
    this.#leftMs ??= nowMs;
    this.#connection.leave();
  }

  yield(): boolean {
    if (this.#connection.size > 0 || this.#connection.blockSinceMs !== undefined) return false;
    this.#connection.fail({ code: CODE.none, text: "" });
    return true;
  }

  destroy(): void {
    this.#peer.socket.destroy();
  }

  sweep(nowMs: number): void {
    const { limits } = this.#core.options;
    if (this.#connection.over) {
      if (nowMs - this.#sinceMs > limits.lingerMsMax) this.destroy();
      return;
    }
    for (const each of [...this.#streams]) {
      each.sweep(nowMs);
      if (!each.isBusy) this.#streams.delete(each);
    }
    const { blockSinceMs } = this.#connection;
    if (blockSinceMs !== undefined && nowMs - blockSinceMs > limits.headMsMax) {
      const text = `headers did not come within ${limits.headMsMax} ms`;
      return this.#connection.fail({ code: CODE.calm, text });
    }
    if (this.#connection.size > 0) this.#sinceMs = nowMs;
    // A connection that has never sent a request gets no more time than a head.
    const idleMsMax = this.#served ? limits.keepAliveMsMax : limits.headMsMax;
    if (nowMs - this.#sinceMs > idleMsMax) this.#connection.fail({ code: CODE.none, text: "" });
  }
}
