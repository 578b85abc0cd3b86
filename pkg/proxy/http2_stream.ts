import { Buffer } from "node:buffer";
import {
  type Block,
  CODE,
  type Field,
  type FieldToSend,
  type Stream,
  type StreamHandler,
} from "../http2/mod.ts";
import type { BodyDecoder } from "./body.ts";
import { type Core, reportFailure } from "./core.ts";
import { Exchange, type ExchangeClient } from "./exchange.ts";
import { endToEndTrailers, STRICT_TRANSPORT } from "./forward.ts";
import type { ResponseHead } from "./head.ts";
import { translateInterim, translateRequest, translateResponse } from "./http2_head.ts";
import type { ResponsePart } from "./link.ts";
import { strictTransportFor } from "./peer.ts";
import type { UpstreamConnection } from "./pool.ts";
import { describeRequest, expectationProblem, type Peer } from "./request.ts";
import { StreamTunnel } from "./stream_tunnel.ts";
import type { Answer, Failure, HeaderField } from "./types.ts";

const EMPTY = Buffer.alloc(0);

/** A request body whose framing HTTP/2 has removed already. */
class StreamBody implements BodyDecoder {
  done: boolean;
  trailers: readonly HeaderField[] = [];

  constructor(done: boolean) {
    this.done = done;
  }

  push(bytes: Buffer, from: number, into: Buffer[]): number {
    if (bytes.length > from) into.push(from === 0 ? bytes : bytes.subarray(from));
    return bytes.length;
  }
}

/** One request of a client of HTTP/2. */
export class ClientStream implements ExchangeClient, StreamHandler {
  readonly #core: Core;
  readonly #stream: Stream;
  readonly #peer: Peer;
  #tunnel: StreamTunnel | undefined;
  #exchange: Exchange | undefined;
  #body = new StreamBody(true);
  /** Bytes that wait here; the client's window bounds them. */
  #pending: Buffer[] = [];
  #trailers: readonly Field[] | undefined;
  #isHead = false;
  #queued = 0;
  #queuedSinceMs = 0;

  constructor(core: Core, stream: Stream, peer: Peer) {
    this.#core = core;
    this.#stream = stream;
    this.#peer = peer;
  }

  /** True while something is to be done or sent. */
  get isBusy(): boolean {
    return this.#exchange !== undefined || this.#tunnel !== undefined || this.#stream.queued > 0;
  }

  /** Takes the request; `end`: no body follows. */
  begin(block: Block, end: boolean): void {
    const { headersMax, headBytesMax } = this.#core.options.limits;
    if (block.tooLarge) {
      const detail = `The request headers are longer than ${headBytesMax} bytes.`;
      return this.#refuse({ kind: "header_too_large", detail });
    }
    const translated = translateRequest(block.fields, { end, headersMax });
    if (!translated.ok) return this.#refuse(translated.failure);
    const { head, framing } = translated.value;
    const request = describeRequest(head, this.#peer);
    if (!request.ok) return this.#refuse(request.failure);
    const problem = expectationProblem(head);
    if (problem !== undefined) return this.#refuse(problem);
    this.#isHead = head.method === "HEAD";
    if (framing.kind === "length") this.#stream.expect(framing.bytes);
    else if (framing.kind === "none" && !translated.value.webSocket) this.#stream.expect(0);
    this.#body = new StreamBody(framing.kind === "none");
    const incoming = { request: request.value, head, framing, body: this.#body };
    this.#exchange = new Exchange(this.#core, this, incoming);
    this.#exchange.start();
  }

  #refuse(failure: Failure): void {
    const id = this.#core.options.newRequestId();
    const answer = reportFailure(this.#core, failure, { id });
    this.#core.options.onStatus(answer.status);
    this.answer(answer, id);
  }

  headers(): void {
    // Only for streams that were opened here.
  }

  data(bytes: Buffer): void {
    if (this.#exchange === undefined) return this.#stream.consumed(bytes.length);
    this.#pending.push(bytes);
    this.pump();
  }

  ended(trailers: readonly Field[]): void {
    this.#trailers = trailers;
    this.pump();
  }

  pump(): void {
    while (this.#exchange?.takesBody === true) {
      const bytes = this.#pending.shift();
      if (bytes === undefined) return this.#end();
      this.#exchange.body(bytes, 0);
      this.#stream.consumed(bytes.length);
    }
  }

  #end(): void {
    if (this.#trailers === undefined || this.#body.done) return;
    this.#body.trailers = this.#trailers;
    this.#body.done = true;
    this.#exchange?.body(EMPTY, 0);
  }

  steer(): void {
    // The client may send what its window allows; the window opens with what is passed on.
  }

  interim(head: ResponseHead, upgrade: string | undefined): boolean {
    if (upgrade === undefined) this.#stream.headers(translateInterim(head), false);
    else this.#stream.headers(acceptedWebSocket(head), false);
    return true;
  }

  write({ start, slices, trailers }: ResponsePart): boolean {
    const last = trailers && endToEndTrailers(trailers);
    if (start !== undefined) {
      const requestId = this.#exchange?.request.id ?? "";
      const fields = translateResponse(start.head, {
        framing: start.framing,
        requestId,
        strictTransport: strictTransportFor(this.#core.options, this.#peer),
      });
      const bare = last?.length === 0 && slices.every((each) => each.length === 0);
      this.#stream.headers(fields, bare);
      if (bare) return true;
    }
    return this.#stream.data(slices, last);
  }

  answer(answer: Answer, requestId: string): void {
    const body = Buffer.from(answer.body);
    const fields: FieldToSend[] = [
      { lower: ":status", value: String(answer.status) },
      ...answer.headers.map(([name, value]) => ({ lower: name.toLowerCase(), value })),
      { lower: "content-length", value: String(body.length) },
      { lower: "x-request-id", value: requestId },
    ];
    const strictTransport = strictTransportFor(this.#core.options, this.#peer);
    if (strictTransport !== undefined) fields.push({ lower: STRICT_TRANSPORT, value: strictTransport });
    const bare = this.#isHead || body.length === 0;
    this.#stream.headers(fields, bare);
    if (!bare) this.#stream.data([body], []);
    this.finished();
  }

  finished(): void {
    this.#exchange = undefined;
    this.#drop();
    this.#stream.forgo();
  }

  #drop(): void {
    for (const each of this.#pending) this.#stream.consumed(each.length);
    this.#pending = [];
  }

  abort(): void {
    this.#exchange = undefined;
    this.#drop();
    this.#stream.reset(CODE.internal);
  }

  tunnel(connection: UpstreamConnection, early: Buffer, closed: () => void): void {
    const { key } = connection.upstream;
    this.#exchange = undefined;
    const tunnel = new StreamTunnel(this.#stream, connection, () => {
      this.#core.pool.leave(key);
      this.#tunnel = undefined;
      closed();
    });
    this.#tunnel = tunnel;
    if (early.length > 0) tunnel.fromApp(early);
    for (const each of this.#pending) tunnel.fromClient(each);
    this.#pending = [];
    if (this.#trailers !== undefined) tunnel.clientEnded();
  }

  reset(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#drop();
    exchange?.cancel();
  }

  drained(): void {
    this.#exchange?.clientDrained();
  }

  /** Ends what has waited too long. */
  sweep(nowMs: number): void {
    if (this.#exchange !== undefined) return this.#exchange.sweep(nowMs);
    this.#tunnel?.sweep(nowMs, this.#core.options.limits.tunnelIdleMsMax);
    const { queued } = this.#stream;
    if (queued !== this.#queued) {
      this.#queued = queued;
      this.#queuedSinceMs = nowMs;
    }
    const { responseStallMsMax } = this.#core.options.limits;
    if (queued > 0 && nowMs - this.#queuedSinceMs > responseStallMsMax) this.#stream.reset(CODE.cancel);
  }
}

/** RFC 8441: what is 101 in HTTP/1.1 is 200 here, and the key of the handshake has no answer. */
function acceptedWebSocket(head: ResponseHead): FieldToSend[] {
  const fields = translateInterim(head).filter(({ lower }) => lower !== "sec-websocket-accept");
  return [{ lower: ":status", value: "200" }, ...fields.slice(1)];
}
