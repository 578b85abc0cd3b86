import type { Buffer } from "node:buffer";
import { STATUS_CODES } from "node:http";
import {
  CODE,
  type Field,
  type FieldToSend,
  type Http2Connection,
  type Stream,
  type StreamHandler,
} from "../http2/mod.ts";
import { eachForwarded, endToEndTrailers } from "./forward.ts";
import type { Framing } from "./framing.ts";
import { isFieldName, isFieldValue, type Parsed, type ResponseHead, single } from "./head.ts";
import type { LinkUser, RequestPart, RequestStart, UpstreamLink } from "./link.ts";
import type { Pool } from "./pool.ts";
import type { Upstream } from "./types.ts";

const STATUS = /^[1-9][0-9]{2}$/;
const LENGTH = /^[0-9]{1,15}$/;
const CONNECTION_FIELDS = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** A request and its response as one stream of an HTTP/2 connection to an app. */
export class Http2Link implements UpstreamLink, StreamHandler {
  readonly upstream: Upstream;
  readonly used: boolean;
  readonly #pool: Pool;
  readonly #connection: Http2Connection;
  #user: LinkUser | undefined;
  #stream: Stream | undefined;
  #isHead = false;
  #touched = false;
  #hasHead = false;
  #isPaused = false;
  /** Bytes that wait here; the app's window bounds them. */
  #pending: Buffer[] = [];
  #trailers: readonly Field[] | undefined;

  /** `used`: the connection served another request before. */
  constructor(
    pool: Pool,
    to: { readonly connection: Http2Connection; readonly upstream: Upstream; readonly used: boolean },
  ) {
    this.#pool = pool;
    this.#connection = to.connection;
    this.upstream = to.upstream;
    this.used = to.used;
  }

  get untouched(): boolean {
    return !this.#touched;
  }

  open(user: LinkUser): void {
    this.#user = user;
    this.#pool.enter(this.upstream.key);
  }

  send({ start, slices, trailers }: RequestPart): boolean {
    const last = trailers && endToEndTrailers(trailers);
    if (start !== undefined) {
      if (this.#connection.over) {
        // Not at once: the exchange is in the middle of its begin.
        queueMicrotask(() => this.#user?.lost("the connection ended", true));
        return true;
      }
      this.#isHead = start.request.method === "HEAD";
      const bare = last?.length === 0 && slices.length === 0;
      this.#stream = this.#connection.request(requestFields(start), bare);
      this.#stream.handler = this;
      if (bare) return true;
    }
    return this.#stream?.data(slices, last) ?? true;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#deliver();
  }

  release(whole: boolean): void {
    if (this.#user === undefined) return;
    this.#user = undefined;
    const stream = this.#stream;
    this.#drop();
    this.#stream = undefined;
    if (!whole) stream?.reset(CODE.cancel);
    this.#pool.leave(this.upstream.key);
  }

  headers(fields: readonly Field[]): void {
    this.#touched = true;
    const head = responseHead(fields);
    if (!head.ok) return this.#user?.invalid(head.failure);
    const { status } = head.value;
    if (status === 101 || this.#hasHead) {
      const detail = "The app's HTTP/2 response has a status that it cannot have.";
      return this.#user?.invalid({ kind: "upstream_invalid", detail });
    }
    if (status < 200) return this.#user?.interim(head.value);
    this.#hasHead = true;
    const framing = framingOf(head.value, this.#isHead);
    if (!framing.ok) return this.#user?.invalid(framing.failure);
    if (framing.value.kind === "length") this.#stream?.expect(framing.value.bytes);
    this.#user?.response({ start: { head: head.value, framing: framing.value }, slices: [] });
  }

  data(bytes: Buffer): void {
    this.#pending.push(bytes);
    if (!this.#hasHead) {
      const detail = "The app's HTTP/2 response has a body and no headers.";
      return this.#user?.invalid({ kind: "upstream_invalid", detail });
    }
    this.#deliver();
  }

  ended(trailers: readonly Field[]): void {
    if (!this.#hasHead) return this.#user?.lost("ended without a response");
    this.#trailers = trailers;
    this.#deliver();
  }

  #deliver(): void {
    while (!this.#isPaused && this.#user !== undefined) {
      const bytes = this.#pending.shift();
      if (bytes === undefined) break;
      const stream = this.#stream;
      // A body where none may be has no place to go.
      this.#user.response({ slices: this.#isHead ? [] : [bytes] });
      stream?.consumed(bytes.length);
    }
    const trailers = this.#trailers;
    if (trailers === undefined || this.#pending.length > 0 || this.#isPaused) return;
    this.#trailers = undefined;
    this.#user?.response({ slices: [], trailers });
  }

  reset(code: number): void {
    this.#drop();
    this.#stream = undefined;
    this.#user?.lost(`the app broke the stream off (HTTP/2 code ${code})`, code === CODE.refused);
  }

  /** Gives back what waits and has no taker any more: the window of the connection is one for all requests. */
  #drop(): void {
    for (const each of this.#pending) this.#stream?.consumed(each.length);
    this.#pending = [];
  }

  drained(): void {
    this.#user?.drained();
  }
}

function requestFields(start: RequestStart): FieldToSend[] {
  const { request } = start;
  const fields: FieldToSend[] = [
    { lower: ":method", value: request.method },
    { lower: ":scheme", value: "http" },
    { lower: ":path", value: request.target },
    { lower: ":authority", value: request.hostHeader },
  ];
  const add = (_name: string, lower: string, value: string): void => void fields.push({ lower, value });
  const { framing } = start;
  eachForwarded(request, start.head, start, add, (takesTrailers) => {
    if (framing.kind === "length") add("", "content-length", String(framing.bytes));
    // Servers of gRPC refuse requests without it.
    if (takesTrailers) add("", "te", "trailers");
  });
  return fields;
}

function responseHead(fields: readonly Field[]): Parsed<ResponseHead> {
  const [first, ...headers] = fields;
  if (first?.name !== ":status" || !STATUS.test(first.value)) return invalid("it has no status");
  for (const { name, value } of headers) {
    if (!isFieldName(name) || !isFieldValue(value) || CONNECTION_FIELDS.has(name)) {
      return invalid("a header is malformed");
    }
  }
  const status = Number(first.value);
  return { ok: true, value: { minor: 1, status, reason: STATUS_CODES[status] ?? "", headers } };
}

function framingOf({ headers, status }: ResponseHead, isHead: boolean): Parsed<Framing> {
  if (isHead || status === 204 || status === 304) return { ok: true, value: { kind: "none" } };
  const length = single(headers, "content-length");
  if (length === undefined) return { ok: true, value: { kind: "chunked" } };
  if (length === null || !LENGTH.test(length)) return invalid("its Content-Length is not one number");
  return { ok: true, value: { kind: "length", bytes: Number(length) } };
}

function invalid(what: string): { ok: false; failure: { kind: "upstream_invalid"; detail: string } } {
  return {
    ok: false,
    failure: { kind: "upstream_invalid", detail: `The app's HTTP/2 response cannot be read: ${what}.` },
  };
}
