import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { Field, Stream } from "../http2/mod.ts";

/** The head of a request. */
export interface RequestParts {
  readonly method: string;
  /** The target, e.g. `/ctrl.v1.CtrlService/Liveness`. */
  readonly url: string;
  /** By name in lower case, with `host`. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Fields of an HTTP/1.1 connection, which a request of HTTP/2 may not have. */
const CONNECTION_FIELDS = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);
const PSEUDO = new Set([":method", ":scheme", ":path", ":authority"]);
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// deno-lint-ignore no-control-regex -- these are the characters that must not get through
const FORBIDDEN = /[\0-\x08\n-\x1f\x7f]/;
const FORBIDDEN_IN_TARGET = /[\0-\x20\x7f]/;

/** Reads the fields of a request; `undefined` when they are malformed (RFC 9113, 8.3). */
export function requestParts(fields: readonly Field[]): RequestParts | undefined {
  const pseudo: Record<string, string> = {};
  const headers: Record<string, string> = {};
  let regular = false;
  for (const { name, value } of fields) {
    if (FORBIDDEN.test(value)) return undefined;
    if (name.startsWith(":")) {
      if (regular || !PSEUDO.has(name) || pseudo[name] !== undefined) return undefined;
      pseudo[name] = value;
      continue;
    }
    regular = true;
    if (!NAME.test(name) || CONNECTION_FIELDS.has(name)) return undefined;
    if (name === "te" && value !== "trailers") return undefined;
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (before !== undefined && name === "content-length") return undefined;
    headers[name] = before === undefined ? value : before + (name === "cookie" ? "; " : ", ") + value;
  }
  const { ":method": method, ":path": url, ":scheme": scheme, ":authority": authority } = pseudo;
  if (method === undefined || url === undefined || scheme === undefined) return undefined;
  if (!url.startsWith("/") || FORBIDDEN_IN_TARGET.test(url)) return undefined;
  if (authority !== undefined) headers["host"] = authority;
  return { method, url, headers };
}

/** A request of HTTP/2, with the parts of Node's `IncomingMessage` that are used here. */
export class Http2Request extends Readable {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly httpVersion = "2.0";
  readonly socket: Socket | undefined;
  /** True once all of the body has come. */
  complete = false;
  readonly #stream: Stream;
  /** Bytes that came and were not asked for yet: the client gets no window for more. */
  #uncredited = 0;

  constructor(stream: Stream, { method, url, headers }: RequestParts, socket?: Socket) {
    super({ autoDestroy: true });
    this.socket = socket;
    this.#stream = stream;
    this.method = method;
    this.url = url;
    this.headers = headers;
  }

  /** Takes bytes of the body. */
  arrived(bytes: Buffer): void {
    this.#uncredited += bytes.length;
    if (this.push(bytes)) this.#credit();
  }

  /** The body is complete. */
  ended(): void {
    this.complete = true;
    this.push(null);
  }

  override _read(): void {
    this.#credit();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#credit();
    done(error);
  }

  #credit(): void {
    if (this.#uncredited === 0) return;
    this.#stream.consumed(this.#uncredited);
    this.#uncredited = 0;
  }
}
