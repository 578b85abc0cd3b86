import type { Buffer } from "node:buffer";
import { type BodyDecoder, bodyDecoder, writePiece } from "./body.ts";
import { chunkedTail, forwardedRequest } from "./forward.ts";
import { type Framing, responseFraming } from "./framing.ts";
import { listed, type ResponseHead } from "./head.ts";
import type { LinkUser, RequestPart, UpstreamLink } from "./link.ts";
import type { Pool, UpstreamConnection, UpstreamUser } from "./pool.ts";
import { ResponseHeads } from "./response_heads.ts";
import type { Upstream } from "./types.ts";

interface Body {
  readonly framing: Framing;
  readonly decoder: BodyDecoder;
}

/** A request and its response in HTTP/1.1 on a connection of the pool. */
export class Http1Link implements UpstreamLink, UpstreamUser {
  readonly #pool: Pool;
  readonly #connection: UpstreamConnection;
  readonly #heads: ResponseHeads;
  #user: LinkUser | undefined;
  #method = "";
  #chunked = false;
  #body: Body | undefined;
  #keepAlive = false;

  constructor(pool: Pool, connection: UpstreamConnection) {
    this.#pool = pool;
    this.#connection = connection;
    this.#heads = new ResponseHeads(pool.limits);
  }

  get upstream(): Upstream {
    return this.#connection.upstream;
  }

  get used(): boolean {
    return this.#connection.used;
  }

  get untouched(): boolean {
    return this.#heads.untouched;
  }

  open(user: LinkUser): void {
    this.#user = user;
    this.#connection.user = this;
    this.#pool.enter(this.upstream.key);
  }

  send({ start, slices, trailers }: RequestPart): boolean {
    const { socket } = this.#connection;
    if (!socket.writable) return true;
    let head = "";
    if (start !== undefined) {
      this.#method = start.request.method;
      this.#chunked = start.framing.kind === "chunked";
      head = forwardedRequest(start.request, start.head, start);
    }
    const tail = this.#chunked && trailers !== undefined ? chunkedTail(trailers) : "";
    return writePiece(socket, { head, slices, borrowed: true, chunked: this.#chunked, tail });
  }

  pause(): void {
    this.#connection.socket.pause();
  }

  resume(): void {
    this.#connection.socket.resume();
  }

  release(whole: boolean): void {
    if (this.#user === undefined) return;
    this.#user = undefined;
    if (whole && this.#keepAlive) this.#pool.put(this.#connection);
    else this.#connection.destroy();
    this.#pool.leave(this.upstream.key);
  }

  received(bytes: Buffer): void {
    if (this.#body !== undefined) return this.#relay(this.#body, bytes);
    this.#heads.push(bytes);
    for (let head = this.#heads.next(); head !== undefined; head = this.#heads.next()) {
      if (!head.ok) return this.#user?.invalid(head.failure);
      const { status } = head.value;
      if (status === 101) return this.#switch(head.value);
      if (status >= 200) return this.#respond(head.value);
      this.#user?.interim(head.value);
    }
  }

  #switch(head: ResponseHead): void {
    this.#user?.switched(head, this.#connection, this.#heads.takeRest());
  }

  #respond(head: ResponseHead): void {
    const framing = responseFraming(head, this.#method);
    if (!framing.ok) return this.#user?.invalid(framing.failure);
    this.#body = { framing: framing.value, decoder: bodyDecoder(framing.value) };
    this.#keepAlive = head.minor === 1 && framing.value.kind !== "close" &&
      !listed(head.headers, "connection").includes("close");
    this.#relay(this.#body, this.#heads.takeRest(), head);
  }

  #relay({ framing, decoder }: Body, bytes: Buffer, head?: ResponseHead): void {
    const slices: Buffer[] = [];
    const next = decoder.push(bytes, 0, slices);
    if (next === -1) {
      const detail = "The app's chunked body is malformed.";
      return this.#user?.invalid({ kind: "upstream_invalid", detail });
    }
    // What follows a body was not asked for: such a connection is not used again.
    if (next < bytes.length) this.#keepAlive = false;
    this.#user?.response({
      start: head && { head, framing },
      slices,
      trailers: decoder.done ? decoder.trailers : undefined,
    });
  }

  ended(): void {
    if (this.#body === undefined) this.#user?.lost("closed without a response");
    else if (this.#body.framing.kind === "close") this.#user?.response({ slices: [], trailers: [] });
    else this.#user?.lost("closed in mid-body");
  }

  failed(cause: string): void {
    this.#user?.lost(cause);
  }

  drained(): void {
    this.#user?.drained();
  }
}
