import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { bodyDecoder, writePiece } from "./body.ts";
import { type Core, reportFailure } from "./core.ts";
import { Exchange, type ExchangeClient } from "./exchange.ts";
import { answerHead, chunkedTail, forwardedInterim, forwardedResponse } from "./forward.ts";
import { requestFraming } from "./framing.ts";
import { http2Refusal, isHttp2Preface } from "./http2_preface.ts";
import { blankLines, parseRequestHead, type RequestHead, requestHeadEnd, type ResponseHead } from "./head.ts";
import type { ResponsePart } from "./link.ts";
import { type ClientPeer, type ClientSide, strictTransportFor } from "./peer.ts";
import type { UpstreamConnection } from "./pool.ts";
import { describeRequest, expectationProblem, likelyHost } from "./request.ts";
import { Tunnel } from "./tunnel.ts";
import type { Answer, Failure } from "./types.ts";

const EMPTY = Buffer.alloc(0);
/** The limit of bytes that wait here while the exchange takes nothing. */
const PENDING_BYTES_MAX = 64 * 1024;
const RELEASE_BYTES_MIN = 8 * 1024;
const LINGER_BYTES_MAX = 1024 * 1024;
/** The longest pause before the next request of a client that is busy. */
const LEAVE_MS = 500;
const HTTP2_DETAIL =
  "HTTP/2 without TLS is not served on this port: use HTTP/1.1 here, or HTTP/2 over TLS (https).";

type Phase = "head" | "exchange" | "tunnel" | "linger" | "closed";

/** One connection of a client: its requests one after the other, then perhaps a tunnel. */
export class ClientConnection implements ExchangeClient, ClientSide {
  readonly #core: Core;
  readonly #socket: Socket;
  readonly #peer: ClientPeer;
  readonly #gone: (connection: ClientConnection) => void;
  #phase: Phase = "head";
  #pending: Buffer = EMPTY;
  #scanned = 0;
  #lingered = 0;
  #exchange: Exchange | undefined;
  /** The HTTP/1.x version of the request. */
  #minor: RequestHead["minor"] = 1;
  /** True if the response's body is written in chunks. */
  #chunked = false;
  #tunnel: Tunnel | undefined;
  /** When the phase began, or something of what is written was last seen to be sent. */
  #sinceMs: number;
  /** The written bytes that the system had not taken at the last sweep. */
  #unsent = 0;
  #served = 0;
  /** When the first byte of what should be a head came, empty lines before it included. */
  #headMs: number | undefined;

  constructor(core: Core, peer: ClientPeer, gone: (connection: ClientConnection) => void) {
    const { socket } = peer;
    this.#core = core;
    this.#peer = peer;
    this.#socket = socket;
    this.#gone = gone;
    this.#sinceMs = core.options.clock.now();
    socket.on("data", (bytes: Buffer) => this.#received(bytes));
    socket.on("end", () => this.#ended());
    socket.on("drain", () => this.#drained());
    socket.on("error", () => this.#closed());
    socket.on("close", () => this.#closed());
  }

  #received(bytes: Buffer): void {
    switch (this.#phase) {
      case "tunnel":
        this.#tunnel?.fromClient(bytes);
        return;
      case "linger":
        // As long as the response is being sent, the client may still be busy with its request.
        if (this.#socket.writableLength === 0) this.#lingered += bytes.length;
        if (this.#lingered > LINGER_BYTES_MAX) this.destroy();
        return;
      case "closed":
        return;
      case "head":
        this.#headMs ??= this.#core.options.clock.now();
        this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
        this.#next();
        return;
      case "exchange":
        this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
        this.pump();
        if (this.#phase === "exchange") this.steer();
        return;
    }
  }

  #drained(): void {
    this.#exchange?.clientDrained();
    this.#tunnel?.clientDrained();
    if (this.#phase === "head") this.#proceed();
  }

  /** Takes the next request, unless the client has to take responses first: those that wait would fill the memory. */
  #proceed(): void {
    if (this.#socket.writableNeedDrain) return void this.#socket.pause();
    this.#socket.resume();
    // Not at once: many small requests in one packet must not nest.
    if (this.#pending.length > 0) queueMicrotask(() => this.#next());
  }

  /** Begins the next request when its head is there. */
  #next(): void {
    if (this.#phase !== "head" || this.#pending.length === 0) return;
    // Some clients send an empty line after a body; it says nothing.
    if (this.#scanned === 0) this.#pending = this.#pending.subarray(blankLines(this.#pending));
    const end = requestHeadEnd(this.#pending, this.#scanned);
    const { headBytesMax, headersMax } = this.#core.options.limits;
    if (end === -2) return this.#refuse({ kind: "bad_request", detail: "A line does not end in CR LF." });
    if (end > headBytesMax || (end === -1 && this.#pending.length > headBytesMax)) {
      const detail = `The request line and headers are longer than ${headBytesMax} bytes.`;
      return this.#refuse({ kind: "header_too_large", detail }, likelyHost(this.#pending, headBytesMax));
    }
    if (end === -1) {
      this.#scanned = this.#pending.length;
      return;
    }
    this.#scanned = 0;
    if (this.#served === 0 && isHttp2Preface(this.#pending)) return this.#refuseHttp2();
    const head = parseRequestHead(this.#pending, end, headersMax);
    if (!head.ok) return this.#refuse(head.failure, likelyHost(this.#pending, end));
    this.#pending = this.#pending.subarray(end);
    const framing = requestFraming(head.value);
    if (!framing.ok) return this.#refuse(framing.failure);
    const request = describeRequest(head.value, {
      address: this.#peer.address,
      scheme: this.#peer.scheme,
      newRequestId: this.#core.options.newRequestId,
    });
    if (!request.ok) return this.#refuse(request.failure);
    const problem = expectationProblem(head.value);
    if (problem !== undefined) return this.#refuse(problem);
    this.#phase = "exchange";
    this.#headMs = undefined;
    this.#served++;
    this.#minor = head.value.minor;
    const body = bodyDecoder(framing.value);
    const incoming = { request: request.value, head: head.value, framing: framing.value, body };
    this.#exchange = new Exchange(this.#core, this, incoming);
    this.#exchange.start();
  }

  #refuseHttp2(): void {
    const failure: Failure = { kind: "version_not_supported", detail: HTTP2_DETAIL };
    const { status } = reportFailure(this.#core, failure, { id: this.#core.options.newRequestId() });
    this.#core.options.onStatus(status);
    this.#write("", [http2Refusal(HTTP2_DETAIL)], false, "");
    this.finished(false);
  }

  /** Answers what cannot be read as a request. Nothing after it can be trusted, so the connection ends. */
  #refuse(failure: Failure, host?: string): void {
    const id = this.#core.options.newRequestId();
    const answer = reportFailure(this.#core, failure, { id, host });
    this.#core.options.onStatus(answer.status);
    this.answer(answer, id, false);
  }

  pump(): void {
    const exchange = this.#exchange;
    if (exchange === undefined || this.#pending.length === 0 || !exchange.takesBody) return;
    const bytes = this.#pending;
    this.#pending = EMPTY;
    const next = exchange.body(bytes, 0);
    if (next < bytes.length) this.#pending = bytes.subarray(next);
    else release(bytes);
  }

  steer(): void {
    const waits = this.#pending.length > 0 && this.#exchange?.requestDone === false;
    if (waits || this.#pending.length > PENDING_BYTES_MAX) this.#socket.pause();
    else this.#socket.resume();
  }

  interim(head: ResponseHead, upgrade: string | undefined): boolean {
    return this.#write(forwardedInterim(head, upgrade), [], false, "");
  }

  write({ start, slices, trailers }: ResponsePart, keepAlive: boolean): boolean {
    let head = "";
    if (start !== undefined) {
      const plan = forwardedResponse(start.head, {
        requestId: this.#exchange?.request.id ?? "",
        clientMinor: this.#minor,
        framing: start.framing,
        keepAlive,
        strictTransport: strictTransportFor(this.#core.options, this.#peer),
      });
      head = plan.head;
      this.#chunked = plan.chunked;
    }
    const tail = this.#chunked && trailers !== undefined ? chunkedTail(trailers) : "";
    return this.#write(head, slices, this.#chunked, tail);
  }

  #write(head: string, slices: readonly Buffer[], chunked: boolean, tail: string): boolean {
    return !this.#socket.writable ||
      writePiece(this.#socket, { head, slices, borrowed: true, chunked, tail });
  }

  answer(answer: Answer, requestId: string, keepAlive: boolean): void {
    const body = Buffer.from(answer.body);
    const head = answerHead(answer, {
      requestId,
      length: body.length,
      close: !keepAlive,
      strictTransport: strictTransportFor(this.#core.options, this.#peer),
    });
    const bodyless = this.#exchange?.request.method === "HEAD";
    this.#write(head, bodyless ? [] : [body], false, "");
    this.finished(keepAlive);
  }

  finished(keepAlive: boolean): void {
    this.#exchange = undefined;
    this.#sinceMs = this.#core.options.clock.now();
    if (!keepAlive) return this.#linger();
    this.#phase = "head";
    this.#headMs = this.#pending.length > 0 ? this.#sinceMs : undefined;
    this.#proceed();
  }

  /** Sends what is written, then takes and drops what still comes: a reset would destroy the response on its way. */
  #linger(): void {
    this.#phase = "linger";
    this.#pending = EMPTY;
    this.#socket.end();
    this.#socket.resume();
    if (this.#socket.readableEnded) this.#socket.destroySoon();
  }

  abort(): void {
    this.#exchange = undefined;
    this.#peer.abort();
    this.#closed();
  }

  tunnel(connection: UpstreamConnection, early: Buffer, closed: () => void): void {
    const { key } = connection.upstream;
    const tunnel = new Tunnel(this.#socket, connection, () => {
      this.#core.pool.leave(key);
      closed();
    });
    this.#exchange = undefined;
    this.#phase = "tunnel";
    this.#tunnel = tunnel;
    if (early.length > 0) tunnel.received(early);
    const pending = this.#pending;
    this.#pending = EMPTY;
    this.#socket.resume();
    if (pending.length > 0) tunnel.fromClient(pending);
  }

  #ended(): void {
    switch (this.#phase) {
      case "tunnel":
        this.#tunnel?.clientEnded();
        return;
      case "linger":
        this.#socket.destroySoon();
        return;
      case "head":
        return this.#leave();
      default:
        // A client that has hung up waits for nothing: stop the work that is done for it.
        this.destroy();
    }
  }

  #closed(): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#pending = EMPTY;
    this.#exchange?.cancel();
    this.#exchange = undefined;
    this.#tunnel?.close();
    this.#tunnel = undefined;
    this.#gone(this);
  }

  /** Ends the connection now; a client that has not got the whole of a response notices. */
  destroy(): void {
    if (this.#exchange !== undefined || this.#socket.writableLength > 0) this.#peer.abort();
    else this.#socket.destroy();
    this.#closed();
  }

  /** Ends the connection unless a request runs, has begun to come, or may be on its way. */
  retire(): void {
    const quietMs = this.#core.options.clock.now() - this.#sinceMs;
    if (this.#phase === "head" && this.#pending.length === 0 && quietMs >= LEAVE_MS) this.#leave();
  }

  yield(): boolean {
    if (this.#phase !== "head" || this.#pending.length > 0 || this.#socket.writableLength > 0) return false;
    this.destroy();
    return true;
  }

  /** Ends a connection without a request once all that is written is sent. */
  #leave(): void {
    if (this.#socket.writableLength > 0) this.#linger();
    else this.destroy();
  }

  /** Ends what has waited too long. */
  sweep(nowMs: number): void {
    const { limits } = this.#core.options;
    if (this.#phase === "exchange") return this.#exchange?.sweep(nowMs);
    if (this.#phase === "tunnel") return this.#tunnel?.sweep(nowMs, limits.tunnelIdleMsMax);
    if ((this.#phase !== "head" && this.#phase !== "linger") || this.#isSending(nowMs)) return;
    const sinceMs = nowMs - this.#sinceMs;
    if (this.#phase === "linger") return sinceMs > limits.lingerMsMax ? this.destroy() : undefined;
    const headLate = this.#headMs !== undefined && nowMs - this.#headMs > limits.headMsMax;
    if (headLate && this.#pending.length > 0) {
      const detail = `The request line and headers did not come within ${limits.headMsMax} ms.`;
      return this.#refuse({ kind: "request_timeout", detail });
    }
    // A connection that has never sent a thing gets no more time than a head.
    const idleMsMax = this.#served === 0 ? limits.headMsMax : limits.keepAliveMsMax;
    if (headLate || (this.#headMs === undefined && sinceMs > idleMsMax)) this.destroy();
  }

  /** True if a response is still being sent, or was at the last sweep. Ends a client that takes none of it for too long. */
  #isSending(nowMs: number): boolean {
    const { writableLength } = this.#socket;
    if (writableLength !== this.#unsent) {
      this.#unsent = writableLength;
      this.#sinceMs = nowMs;
      if (this.#headMs !== undefined) this.#headMs = nowMs;
      return true;
    }
    const { responseStallMsMax } = this.#core.options.limits;
    if (writableLength > 0 && nowMs - this.#sinceMs > responseStallMsMax) this.destroy();
    return writableLength > 0;
  }
}

/** Frees the memory of a large read whose bytes have been copied. The collector would be late: it counts objects. */
function release(bytes: Buffer): void {
  const { buffer } = bytes;
  const whole = bytes.byteOffset === 0 && bytes.length === buffer.byteLength;
  if (whole && bytes.length >= RELEASE_BYTES_MIN && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
