import type { Buffer } from "node:buffer";
import { type BodyDecoder, bodyDecoder, type Piece, writePiece } from "./body.ts";
import { type Core, reportFailure } from "./core.ts";
import { chunkedTail, forwardedInterim, forwardedRequest, forwardedResponse } from "./forward.ts";
import { type Framing, responseFraming } from "./framing.ts";
import { listed, type Parsed, type RequestHead, type ResponseHead } from "./head.ts";
import type { UpstreamConnection, UpstreamUser } from "./pool.ts";
import { isRepeatable, keepsAlive, upgradeOf } from "./request.ts";
import { ResponseHeads } from "./response_heads.ts";
import type { Answer, Failure, ProxyRequest } from "./types.ts";
import { UpstreamSearch } from "./upstream_search.ts";

/** The client's side of an exchange. */
export interface ExchangeClient {
  /** Writes to the client; false when it takes no more for now. */
  write(piece: Piece): boolean;
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

interface Response {
  readonly framing: Framing;
  readonly decoder: BodyDecoder;
  readonly chunked: boolean;
  /** True if the client's connection goes on. */
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
  readonly #search: UpstreamSearch;
  readonly #heads = new ResponseHeads();
  #connection: UpstreamConnection | undefined;
  #unsentHead = "";
  #bodyBegun = false;
  #upstreamFull = false;
  #clientFull = false;
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
    this.#body = bodyDecoder(incoming.framing);
    this.#search = new UpstreamSearch(core, incoming.request, {
      found: (connection) => this.#begin(connection),
      answered: (answer) => this.#answer(answer),
      failed: (failure) => this.#fail(failure),
    });
    this.#movedMs = core.options.clock.now();
  }

  /** True if the whole request has been read from the client. */
  get requestDone(): boolean {
    return this.#body.done;
  }

  /** True if bytes of the body can be passed on now. */
  get takesBody(): boolean {
    return this.#connection !== undefined && !this.#upstreamFull && !this.requestDone;
  }

  start(): void {
    const { hopsMax } = this.#core.options.limits;
    if (this.request.hops >= hopsMax) {
      return this.#fail({ kind: "loop_detected", detail: `It passed ${this.request.hops} edges already.` });
    }
    this.#search.begin({ fresh: false, repeatable: isRepeatable(this.#head) && this.requestDone });
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

  /**
   * Takes bytes of the request body from `from` on; returns the index of the first that is not part of it. What is
   * taken is copied.
   */
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
    const more = writePiece(socket, {
      head,
      slices,
      borrowed: true,
      chunked: this.#framing.kind === "chunked",
      tail,
    });
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
    if (this.#response !== undefined) return this.#relay(this.#response, "", bytes);
    this.#heads.push(bytes);
    for (let head = this.#heads.next(); head !== undefined; head = this.#heads.next()) {
      if (!head.ok) return this.#fail(head.failure);
      if (head.value.status === 101) return this.#switch(head.value);
      if (head.value.status >= 200) return this.#respond(head.value);
      this.#movedMs = this.#core.options.clock.now();
      if (this.#head.minor === 1) this.#write({ head: forwardedInterim(head.value, undefined) });
    }
  }

  #respond(head: ResponseHead): void {
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
    this.#response = {
      framing: framing.value,
      decoder: bodyDecoder(framing.value),
      chunked: plan.chunked,
      keepAlive,
      upstreamKeepAlive: head.minor === 1 && kind !== "close" &&
        !listed(head.headers, "connection").includes("close"),
    };
    this.#core.options.onStatus(head.status);
    this.#relay(this.#response, plan.head, this.#heads.takeRest());
  }

  #relay(response: Response, head: string, bytes: Buffer): void {
    const slices: Buffer[] = [];
    const next = response.decoder.push(bytes, 0, slices);
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
    if (this.#client.write({ head, slices, borrowed: true, chunked, tail })) return;
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

  #switch(head: ResponseHead): void {
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
    this.#write({ head: forwardedInterim(head, protocol) });
    this.#client.tunnel(connection, this.#heads.takeRest());
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
    const untouched = this.#heads.untouched && !this.#bodyBegun;
    if (connection?.used === true && untouched && isRepeatable(this.#head)) {
      this.#release(false);
      return this.#search.begin({ fresh: true, repeatable: false });
    }
    this.#search.lastCause = cause;
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
    const cause = this.#search.lastCause;
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
    this.#search.cancel();
    if (this.#response === undefined) this.#core.options.onStatus(499);
    this.#release(false);
  }

  #release(reuse: boolean): void {
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
