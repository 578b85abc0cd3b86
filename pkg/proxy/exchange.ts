import type { Buffer } from "node:buffer";
import type { BodyDecoder } from "./body.ts";
import { type Core, reportFailure } from "./core.ts";
import type { Framing } from "./framing.ts";
import { type RequestHead, type ResponseHead, single } from "./head.ts";
import type { LinkUser, ResponsePart, UpstreamLink } from "./link.ts";
import { withCookie } from "./set_cookie.ts";
import type { UpstreamConnection } from "./pool.ts";
import { isRepeatable, keepsAlive, upgradeOf } from "./request.ts";
import { type Answer, type AppTraffic, type Failure, FAILURE_STATUS, type ProxyRequest } from "./types.ts";
import { UpstreamSearch } from "./upstream_search.ts";

/** The limit of new attempts after connections that ended before the app did anything. */
const ATTEMPTS_MAX = 2;

/** The client's side of an exchange. */
export interface ExchangeClient {
  /** Writes an interim response, or the switch to `upgrade`; false when the client takes no more for now. */
  interim(head: ResponseHead, upgrade: string | undefined): boolean;
  /** Writes more of the response; false when the client takes no more for now. */
  write(part: ResponsePart, keepAlive: boolean): boolean;
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
  /** Both sides have switched protocols; `early` came after the head. `closed` is called when one of them is done. */
  tunnel(connection: UpstreamConnection, early: Buffer, closed: () => void): void;
}

/** A request as its client sent it; the body follows. */
export interface Incoming {
  readonly request: ProxyRequest;
  readonly head: RequestHead;
  readonly framing: Framing;
  readonly body: BodyDecoder;
}

/** One request and its response: finds an upstream, passes both bodies on as they come, and answers when it cannot. */
export class Exchange implements LinkUser {
  readonly request: ProxyRequest;
  readonly #core: Core;
  readonly #client: ExchangeClient;
  readonly #head: RequestHead;
  readonly #framing: Framing;
  readonly #upgrade: string | undefined;
  readonly #body: BodyDecoder;
  readonly #search: UpstreamSearch;
  #link: UpstreamLink | undefined;
  #headSent = false;
  #bodyBegun = false;
  #upstreamFull = false;
  #clientFull = false;
  #responding = false;
  /** True if the client's connection goes on after the response. */
  #keepAlive = false;
  #over = false;
  /** Ends the count of this request in the shares of its client and its app. */
  #uncount: (() => void) | undefined;
  #traffic: AppTraffic | undefined;
  readonly #begunMs: number;
  #bodyBytes = 0;
  #attempts = 0;
  /** When the last thing happened that moves the request on. */
  #movedMs: number;

  constructor(core: Core, client: ExchangeClient, incoming: Incoming) {
    this.#core = core;
    this.#client = client;
    this.request = incoming.request;
    this.#head = incoming.head;
    this.#framing = incoming.framing;
    this.#upgrade = upgradeOf(incoming.head, incoming.framing);
    this.#body = incoming.body;
    const isWebSocket = this.#upgrade?.toLowerCase() === "websocket";
    this.#search = new UpstreamSearch(core, { request: incoming.request, isWebSocket }, {
      found: (link) => this.#begin(link),
      answered: (answer) => this.#answer(answer),
      failed: (failure) => this.#fail(failure),
    });
    this.#begunMs = core.options.clock.now();
    this.#movedMs = this.#begunMs;
  }

  /** True if the whole request has been read from the client. */
  get requestDone(): boolean {
    return this.#body.done;
  }

  /** True if bytes of the body can be passed on now. */
  get takesBody(): boolean {
    return this.#link !== undefined && !this.#upstreamFull && !this.requestDone;
  }

  start(): void {
    const { hopsMax } = this.#core.options.limits;
    if (this.request.hops >= hopsMax) {
      return this.#fail({ kind: "loop_detected", detail: `It passed ${this.request.hops} edges already.` });
    }
    this.#traffic = this.#core.options.trafficOf?.(this.request);
    this.#traffic?.begun(this.#begunMs);
    const counted = this.#core.shares.take(this.request);
    if (typeof counted !== "function") return this.#fail(counted);
    this.#uncount = counted;
    this.#search.begin({ fresh: false, repeatable: isRepeatable(this.#head) && this.requestDone });
  }

  #begin(link: UpstreamLink): void {
    this.#link = link;
    this.#headSent = false;
    link.open(this);
    this.#movedMs = this.#core.options.clock.now();
    if (!this.requestDone) this.#client.pump();
    if (!this.#headSent && this.#link === link) this.#send([]);
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
    this.#bodyBytes += next - from;
    this.#traffic?.moved(next - from, 0);
    this.#send(slices);
    return next;
  }

  #send(slices: readonly Buffer[]): void {
    if (this.#link === undefined) return;
    const start = this.#headSent ? undefined : {
      request: this.request,
      head: this.#head,
      framing: this.#framing,
      upgrade: this.#upgrade,
      trusted: this.#core.options.trusts(this.request.clientAddress),
    };
    this.#headSent = true;
    const trailers = this.requestDone ? this.#body.trailers : undefined;
    if (!this.#link.send({ start, slices, trailers }) && !this.requestDone) this.#upstreamFull = true;
  }

  drained(): void {
    if (!this.#upstreamFull) return;
    this.#upstreamFull = false;
    this.#movedMs = this.#core.options.clock.now();
    this.#client.pump();
    if (!this.#over) this.#client.steer();
  }

  interim(head: ResponseHead): void {
    this.#movedMs = this.#core.options.clock.now();
    if (this.#head.minor === 1 && !this.#client.interim(head, undefined)) this.#wait();
  }

  response(part: ResponsePart): void {
    if (part.start !== undefined) this.#respond(part.start.head, part.start.framing);
    if (!this.#client.write(withCookie(part, this.#search.setCookie), this.#keepAlive)) this.#wait();
    for (const { length } of part.slices) this.#traffic?.moved(0, length);
    if (part.trailers !== undefined) this.#finish();
  }

  #respond(head: ResponseHead, { kind }: Framing): void {
    const endless = kind === "close" || (kind === "chunked" && this.#head.minor === 0);
    this.#responding = true;
    this.#search.settled();
    this.#keepAlive = keepsAlive(this.#head) && this.requestDone && !this.#core.stopping &&
      (!endless || this.#head.minor === 1);
    const { clock, onResponded, onStatus } = this.#core.options;
    const waitedMs = clock.now() - this.#begunMs;
    onStatus(head.status, this.#link?.upstream);
    onResponded?.(waitedMs);
    this.#traffic?.responded(head.status, waitedMs);
  }

  /** Takes no more of the response until the client has taken what there is. */
  #wait(): void {
    this.#clientFull = true;
    this.#movedMs = this.#core.options.clock.now();
    this.#link?.pause();
  }

  /** The client can take more of the response. */
  clientDrained(): void {
    if (!this.#clientFull) return;
    this.#clientFull = false;
    this.#link?.resume();
  }

  switched(head: ResponseHead, connection: UpstreamConnection, early: Buffer): void {
    if (this.#upgrade === undefined) {
      const detail = "The app switched protocols without being asked.";
      return this.#fail({ kind: "upstream_invalid", detail });
    }
    const protocol = head.headers.find((each) => each.lower === "upgrade")?.value ?? this.#upgrade;
    const { clock, onStatus } = this.#core.options;
    this.#over = true;
    this.#search.settled();
    onStatus(101);
    this.#traffic?.responded(101, clock.now() - this.#begunMs);
    this.#client.interim(head, protocol);
    const { socket } = connection;
    const [sent, received] = [socket.bytesRead - early.length, socket.bytesWritten];
    this.#client.tunnel(connection, early, () => {
      this.#traffic?.moved(socket.bytesWritten - received, socket.bytesRead - sent);
      this.#endCounts();
    });
  }

  invalid(failure: Failure): void {
    this.#fail(failure);
  }

  /** The connection went away: an old one that the app had closed before it answered is replaced by a new one. */
  lost(cause: string, unprocessed = false): void {
    if (this.#responding) return this.#cut(`The connection to the app broke: ${cause}`);
    const link = this.#link;
    const isStale = link?.used === true && link.untouched && isRepeatable(this.#head);
    if ((isStale || unprocessed) && !this.#bodyBegun && this.#attempts++ < ATTEMPTS_MAX) {
      this.#release(false);
      return this.#search.begin({ fresh: true, repeatable: false });
    }
    this.#search.lastCause = cause;
    this.#fail({ kind: "upstream_closed", detail: "The app closed the connection without a response." });
  }

  /** Nothing more happens here. */
  #end(): void {
    this.#over = true;
    this.#search.settled();
    this.#endCounts();
  }

  #endCounts(): void {
    this.#uncount?.();
    this.#uncount = undefined;
    this.#traffic?.ended(this.#core.options.clock.now());
  }

  #finish(): void {
    this.#end();
    const { requestDone } = this;
    this.#release(requestDone);
    this.#client.finished(this.#keepAlive && requestDone);
  }

  #answer(answer: Answer): void {
    this.#end();
    this.#core.options.onStatus(answer.status);
    const keepAlive = keepsAlive(this.#head) && this.requestDone && !this.#core.stopping;
    this.#client.answer(answer, this.request.id, keepAlive);
  }

  #fail(failure: Failure): void {
    if (this.#over) return;
    if (this.#responding) return this.#cut(failure.detail);
    const upstream = this.#link?.upstream.key;
    this.#release(false);
    this.#traffic?.failed(FAILURE_STATUS[failure.kind]);
    const cause = this.#search.lastCause;
    this.#answer(
      reportFailure(this.#core, failure, { id: this.request.id, request: this.request, upstream, cause }),
    );
  }

  /** The response has begun and cannot be completed: the client must not take what it has for the whole. */
  #cut(cause: string): void {
    if (this.#over) return;
    this.#end();
    this.#traffic?.cut();
    const upstream = this.#link?.upstream.key;
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
    this.#end();
    this.#search.cancel();
    if (!this.#responding) {
      this.#core.options.onStatus(499);
      this.#traffic?.cancelled();
    }
    this.#release(false);
  }

  #release(whole: boolean): void {
    const link = this.#link;
    this.#link = undefined;
    this.#upstreamFull = false;
    link?.release(whole);
  }

  /** Ends what has waited too long. */
  sweep(nowMs: number): void {
    if (this.#over || this.#link === undefined) return;
    const { limits } = this.#core.options;
    const stoodMs = nowMs - this.#movedMs;
    if (this.#clientFull) {
      if (stoodMs > limits.responseStallMsMax) this.#cut("The client took no more of the response.");
      return;
    }
    if (this.#responding) return;
    if (this.requestDone) {
      if (stoodMs > limits.responseHeadMsMax) this.#late("The app did not answer in time.");
    } else if (stoodMs > limits.bodyStallMsMax) {
      if (this.#upstreamFull) this.#late("The app did not take the request in time.");
      else this.#fail({ kind: "request_timeout", detail: "The rest of the request body did not come." });
    } else if (this.#trickles(nowMs)) {
      const detail = `The request body comes slower than ${limits.bodyBytesPerSecondMin} bytes per second.`;
      this.#fail({ kind: "request_timeout", detail });
    }
  }

  /** True for a body that keeps a connection to the app busy with next to nothing. Streams of gRPC may rest. */
  #trickles(nowMs: number): boolean {
    const { bodyStallMsMax, bodyBytesPerSecondMin } = this.#core.options.limits;
    const seconds = (nowMs - this.#begunMs - bodyStallMsMax) / 1_000;
    if (this.#upstreamFull || this.#bodyBytes >= seconds * bodyBytesPerSecondMin) return false;
    const type = single(this.#head.headers, "content-type");
    return typeof type !== "string" || !type.startsWith("application/grpc");
  }

  #late(detail: string): void {
    this.#fail({ kind: "upstream_timeout", detail });
  }
}
