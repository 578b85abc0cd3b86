import { Buffer } from "node:buffer";
import { type BodyDecoder, bodyDecoder, writePiece } from "./body.ts";
import { type Core, reportFailure } from "./core.ts";
import { chunkedTail, forwardedInterim, forwardedRequest, forwardedResponse } from "./forward.ts";
import { type Framing, responseFraming } from "./framing.ts";
import {
  listed,
  type Parsed,
  parseResponseHead,
  type RequestHead,
  type ResponseHead,
  responseHeadEnd,
} from "./head.ts";
import type { UpstreamConnection, UpstreamUser } from "./pool.ts";
import { isRepeatable, keepsAlive, upgradeOf } from "./request.ts";
import type { Answer, Failure, ProxyRequest, Upstream } from "./types.ts";

/** The client's side of an exchange. */
export interface ExchangeClient {
  /** Writes to the client; false when it takes no more for now. */
  write(piece: Parameters<typeof writePiece>[1]): boolean;
  /** Offers bytes of the request body that have arrived to `Exchange.body`. */
  pump(): void;
  /** Reads on, or stops reading, depending on `Exchange.takesBody`. */
  steer(): void;
  /** The response is complete. */
  finished(keepAlive: boolean): void;
  /** Gives a response that is made here. */
  answer(answer: Answer, requestId: string, keepAlive: boolean): void;
  /** Ends the connection so that the client notices that the response is not complete. */
  abort(): void;
  /** Both sides have switched protocols; `early` came after the head. */
  tunnel(connection: UpstreamConnection, early: Buffer): void;
}

const EMPTY = Buffer.alloc(0);
/** A response head may be longer than a request head: apps set many cookies. */
const RESPONSE_HEAD_BYTES_MAX = 256 * 1024;
const RESPONSE_HEADERS_MAX = 512;
const INTERIM_RESPONSES_MAX = 64;
/** Servers keep idle connections for at least two seconds, so that one used this recently is not about to be closed. */
const RECENT_MS = 1_000;

interface Response {
  readonly framing: Framing;
  readonly decoder: BodyDecoder;
  readonly chunked: boolean;
  /** Whether the client's connection goes on. */
  readonly keepAlive: boolean;
  readonly upstreamKeepAlive: boolean;
}

/** One request and its response: finds an upstream, passes both bodies on as they come, and answers when it cannot. */
export class Exchange implements UpstreamUser {
  readonly request: ProxyRequest;
  readonly #core: Core;
  readonly #client: ExchangeClient;
  readonly #head: RequestHead;
  readonly #framing: Framing;
  readonly #upgrade: string | undefined;
  readonly #body: BodyDecoder;
  readonly #tried = new Set<string>();
  #dials = 0;
  #lastCause: string | undefined;
  #cancelDial: (() => void) | undefined;
  #connection: UpstreamConnection | undefined;
  #unsentHead = "";
  #bodyBegun = false;
  #upstreamFull = false;
  #clientFull = false;
  #interim = 0;
  #received: Buffer = EMPTY;
  #response: Response | undefined;
  #over = false;
  /** When the last thing happened that moves the request on. */
  #movedMs: number;

  constructor(
    core: Core,
    client: ExchangeClient,
    incoming: { request: ProxyRequest; head: RequestHead; framing: Framing },
  ) {
    this.#core = core;
    this.#client = client;
    this.request = incoming.request;
    this.#head = incoming.head;
    this.#framing = incoming.framing;
    this.#upgrade = upgradeOf(incoming.head, incoming.framing);
    this.#body = bodyDecoder(incoming.framing.kind === "none" ? { kind: "none" } : incoming.framing);
    this.#movedMs = core.options.clock.now();
  }

  /** Whether the whole request has been read from the client. */
  get requestDone(): boolean {
    return this.#body.done;
  }

  /** Whether bytes of the body can be passed on now. */
  get takesBody(): boolean {
    return this.#connection !== undefined && !this.#upstreamFull && !this.requestDone;
  }

  start(): void {
    const { hopsMax } = this.#core.options.limits;
    if (this.request.hops >= hopsMax) {
      return this.#fail({ kind: "loop_detected", detail: `It passed ${this.request.hops} edges already.` });
    }
    this.#attempt(false);
  }

  #attempt(fresh: boolean): void {
    const decision = this.#core.options.route(this.request, this.#tried);
    if (decision.kind === "answer") return this.#answer(decision.answer);
    if (decision.kind === "fail") return this.#fail(decision.failure);
    const { upstream } = decision;
    const replayable = isRepeatable(this.#head) && this.requestDone;
    const idle = fresh ? undefined : this.#core.pool.take(upstream.key, replayable ? Infinity : RECENT_MS);
    if (idle === undefined) return this.#dial(upstream);
    if (replayable) return this.#begin(idle);
    // It cannot be sent twice: let a close of that connection that has arrived already be seen first.
    setImmediate(() => {
      if (this.#over) this.#core.pool.put(idle);
      else if (idle.alive) this.#begin(idle);
      else this.#attempt(false);
    });
  }

  #dial(upstream: Upstream): void {
    const { options, pool } = this.#core;
    if (this.#tried.has(upstream.key) || this.#dials >= options.limits.dialsMax) {
      return this.#fail({
        kind: "instance_unreachable",
        detail: "No instance of the app took the connection.",
      });
    }
    this.#dials++;
    this.#cancelDial = pool.dial(upstream, {
      connected: (connection) => {
        this.#cancelDial = undefined;
        options.onDial(upstream, true);
        this.#begin(connection);
      },
      unreachable: (cause) => {
        this.#cancelDial = undefined;
        options.onDial(upstream, false);
        this.#tried.add(upstream.key);
        this.#lastCause = `${upstream.host}:${upstream.port}: ${cause}`;
        this.#attempt(false);
      },
    });
  }

  #begin(connection: UpstreamConnection): void {
    const { clock, trusts } = this.#core.options;
    this.#connection = connection;
    connection.user = this;
    this.#core.pool.enter(connection.upstream.key);
    this.#movedMs = clock.now();
    this.#unsentHead = forwardedRequest(this.request, this.#head, {
      framing: this.#framing,
      upgrade: this.#upgrade,
      trusted: trusts(this.request.clientAddress),
    });
    if (!this.requestDone) this.#client.pump();
    if (this.#unsentHead !== "" && this.#connection !== undefined) this.#send([], "");
    if (!this.#over) this.#client.steer();
  }

  /** Takes bytes of the request body from `from` on; returns the index of the first that is not part of it. */
  body(bytes: Buffer, from: number): number {
    const slices: Buffer[] = [];
    const next = this.#body.push(bytes, from, slices);
    this.#movedMs = this.#core.options.clock.now();
    if (next === -1) {
      this.#fail({ kind: "bad_request", detail: "The chunked request body is malformed." });
      return bytes.length;
    }
    this.#bodyBegun = true;
    const chunked = this.#framing.kind === "chunked";
    this.#send(slices, chunked && this.#body.done ? chunkedTail(this.#body.trailers) : "");
    return next;
  }

  #send(slices: readonly Buffer[], tail: string): void {
    const socket = this.#connection?.socket;
    if (socket === undefined || !socket.writable) return;
    const head = this.#unsentHead;
    this.#unsentHead = "";
    const more = writePiece(socket, { head, slices, chunked: this.#framing.kind === "chunked", tail });
    if (!more && !this.requestDone) this.#upstreamFull = true;
  }

  drained(): void {
    if (!this.#upstreamFull) return;
    this.#upstreamFull = false;
    this.#movedMs = this.#core.options.clock.now();
    this.#client.pump();
    if (!this.#over) this.#client.steer();
  }

  received(bytes: Buffer): void {
    if (this.#response !== undefined) return this.#relay(this.#response, "", bytes, 0);
    let from = Math.max(0, this.#received.length - 3);
    let buffer = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    for (let end = responseHeadEnd(buffer, from); end !== -1; end = responseHeadEnd(buffer, 0)) {
      const parsed = parseResponseHead(buffer, end, RESPONSE_HEADERS_MAX);
      buffer = buffer.subarray(end);
      if (!parsed.ok) return this.#fail(parsed.failure);
      if (parsed.value.status === 101) return this.#switch(parsed.value, buffer);
      if (parsed.value.status >= 200) return this.#respond(parsed.value, buffer);
      if (++this.#interim > INTERIM_RESPONSES_MAX) {
        return this.#fail({ kind: "upstream_invalid", detail: "The app sent too many interim responses." });
      }
      if (this.#head.minor === 1) this.#write({ head: forwardedInterim(parsed.value, undefined) });
      this.#movedMs = this.#core.options.clock.now();
      from = 0;
    }
    this.#received = buffer;
    if (buffer.length > RESPONSE_HEAD_BYTES_MAX) {
      this.#fail({ kind: "upstream_invalid", detail: "The app's response headers are too long." });
    }
  }

  #respond(head: ResponseHead, rest: Buffer): void {
    const framing: Parsed<Framing> = responseFraming(head, this.request.method);
    if (!framing.ok) return this.#fail(framing.failure);
    const { kind } = framing.value;
    const endless = kind === "close" || (kind === "chunked" && this.#head.minor === 0);
    const keepAlive = keepsAlive(this.#head) && this.requestDone && !this.#core.stopping &&
      (!endless || this.#head.minor === 1);
    const plan = forwardedResponse(head, {
      requestId: this.request.id,
      clientMinor: this.#head.minor,
      framing: framing.value,
      keepAlive,
    });
    this.#received = EMPTY;
    this.#response = {
      framing: framing.value,
      decoder: bodyDecoder(framing.value),
      chunked: plan.chunked,
      keepAlive,
      upstreamKeepAlive: head.minor === 1 && kind !== "close" &&
        !listed(head.headers, "connection").includes("close"),
    };
    this.#core.options.onStatus(head.status);
    this.#relay(this.#response, plan.head, rest, 0);
  }

  #relay(response: Response, head: string, bytes: Buffer, from: number): void {
    const slices: Buffer[] = [];
    const next = response.decoder.push(bytes, from, slices);
    if (next === -1) return this.#cut("The app's chunked body is malformed.");
    const { done } = response.decoder;
    this.#write({
      head,
      slices,
      chunked: response.chunked,
      tail: done && response.chunked ? chunkedTail(response.decoder.trailers) : "",
    });
    if (done) this.#finish(response, next === bytes.length);
  }

  #write(piece: { head: string; slices?: readonly Buffer[]; chunked?: boolean; tail?: string }): void {
    const { head, slices = [], chunked = false, tail = "" } = piece;
    if (this.#client.write({ head, slices, chunked, tail })) return;
    this.#clientFull = true;
    this.#movedMs = this.#core.options.clock.now();
    this.#connection?.socket.pause();
  }

  /** The client can take more of the response. */
  clientDrained(): void {
    if (!this.#clientFull) return;
    this.#clientFull = false;
    this.#connection?.socket.resume();
  }

  #switch(head: ResponseHead, early: Buffer): void {
    const connection = this.#connection;
    if (this.#upgrade === undefined || connection === undefined) {
      return this.#fail({
        kind: "upstream_invalid",
        detail: "The app switched protocols without being asked.",
      });
    }
    const protocol = head.headers.find((each) => each.lower === "upgrade")?.value ?? this.#upgrade;
    this.#over = true;
    this.#core.options.onStatus(101);
    this.#client.write({ head: forwardedInterim(head, protocol), slices: [], chunked: false, tail: "" });
    this.#client.tunnel(connection, early);
  }

  ended(): void {
    const response = this.#response;
    if (response === undefined) return this.#lost("closed without a response");
    if (response.framing.kind !== "close") return this.#cut("The app closed the connection in mid-body.");
    if (response.chunked) this.#write({ head: "", tail: chunkedTail([]) });
    this.#finish(response, false);
  }

  failed(cause: string): void {
    if (this.#response === undefined) this.#lost(cause);
    else this.#cut(`The connection to the app broke in mid-body: ${cause}`);
  }

  /** The connection went away before the response: an old one that the app had closed is replaced by a new one. */
  #lost(cause: string): void {
    const connection = this.#connection;
    const untouched = this.#received.length === 0 && this.#interim === 0 && !this.#bodyBegun;
    if (connection?.used === true && untouched && isRepeatable(this.#head)) {
      this.#release(false);
      return this.#attempt(true);
    }
    this.#lastCause = cause;
    this.#fail({ kind: "upstream_closed", detail: "The app closed the connection without a response." });
  }

  #finish(response: Response, clean: boolean): void {
    this.#over = true;
    const { requestDone } = this;
    this.#release(response.upstreamKeepAlive && clean && requestDone);
    this.#client.finished(response.keepAlive && requestDone);
  }

  #answer(answer: Answer): void {
    this.#over = true;
    this.#core.options.onStatus(answer.status);
    const keepAlive = keepsAlive(this.#head) && this.requestDone && !this.#core.stopping;
    this.#client.answer(answer, this.request.id, keepAlive);
  }

  #fail(failure: Failure): void {
    if (this.#over) return;
    if (this.#response !== undefined) return this.#cut(failure.detail);
    const upstream = this.#connection?.upstream.key;
    this.#release(false);
    const cause = this.#lastCause;
    this.#answer(
      reportFailure(this.#core, failure, { id: this.request.id, request: this.request, upstream, cause }),
    );
  }

  /** The response has begun and cannot be completed: the client must not take what it has for the whole. */
  #cut(cause: string): void {
    if (this.#over) return;
    this.#over = true;
    const upstream = this.#connection?.upstream.key;
    this.#release(false);
    const failure: Failure = { kind: "upstream_closed", detail: "The response was cut off." };
    reportFailure(this.#core, failure, {
      id: this.request.id,
      request: this.request,
      upstream,
      cause,
      cut: true,
    });
    this.#client.abort();
  }

  /** The client went away. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#response === undefined) this.#core.options.onStatus(499);
    this.#release(false);
  }

  #release(reuse: boolean): void {
    this.#cancelDial?.();
    this.#cancelDial = undefined;
    const connection = this.#connection;
    this.#connection = undefined;
    this.#upstreamFull = false;
    if (connection === undefined) return;
    if (reuse) this.#core.pool.put(connection);
    else connection.destroy();
    this.#core.pool.leave(connection.upstream.key);
  }

  /** Ends what has waited too long. */
  sweep(nowMs: number): void {
    if (this.#over || this.#connection === undefined) return;
    const { limits } = this.#core.options;
    const stoodMs = nowMs - this.#movedMs;
    if (this.#clientFull) {
      if (stoodMs > limits.responseStallMsMax) this.#cut("The client took no more of the response.");
      return;
    }
    if (this.#response !== undefined) return;
    if (this.requestDone) {
      if (stoodMs > limits.responseHeadMsMax) this.#late("The app did not answer in time.");
    } else if (stoodMs > limits.bodyStallMsMax) {
      if (this.#upstreamFull) this.#late("The app did not take the request in time.");
      else this.#fail({ kind: "request_timeout", detail: "The rest of the request body did not come." });
    }
  }

  #late(detail: string): void {
    this.#fail({ kind: "upstream_timeout", detail });
  }
}
