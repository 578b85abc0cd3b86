import { listed, type Parsed, type RequestHead, type ResponseHead, single } from "./head.ts";
import type { Failure } from "./types.ts";

/** The framing of a body. `close`: until the connection ends, which only responses can. */
export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "close" };

const LENGTH = /^[0-9]{1,15}$/;
const NONE: Framing = { kind: "none" };
const CHUNKED: Framing = { kind: "chunked" };

/** The body of a request. Two answers to "how long is it" are none: such a request is refused. */
export function requestFraming(head: RequestHead): Parsed<Framing> {
  const coding = single(head.headers, "transfer-encoding");
  const length = single(head.headers, "content-length");
  if (coding === null) return refuse("bad_request", "Transfer-Encoding is given more than once.");
  if (length === null) return refuse("bad_request", "Content-Length is given more than once.");
  if (coding !== undefined) {
    if (length !== undefined) {
      return refuse("bad_request", "Content-Length and Transfer-Encoding exclude each other.");
    }
    if (head.minor === 0) return refuse("bad_request", "HTTP/1.0 has no Transfer-Encoding.");
    if (coding.toLowerCase() !== "chunked") {
      return refuse("not_implemented", "The only Transfer-Encoding understood is chunked.");
    }
    return { ok: true, value: CHUNKED };
  }
  if (length === undefined) return { ok: true, value: NONE };
  if (!LENGTH.test(length)) return refuse("bad_request", "Content-Length is not a number.");
  return { ok: true, value: length === "0" ? NONE : { kind: "length", bytes: Number(length) } };
}

/** The body of a response to `method`. */
export function responseFraming(head: ResponseHead, method: string): Parsed<Framing> {
  if (method === "HEAD" || head.status < 200 || head.status === 204 || head.status === 304) {
    return { ok: true, value: NONE };
  }
  const codings = listed(head.headers, "transfer-encoding");
  if (codings.length > 0) {
    if (codings.length > 1 || codings[0] !== "chunked") {
      const given = codings.join(", ").slice(0, 40).replace(/[^\x20-\x7e]/g, "?");
      const detail = `The app's Transfer-Encoding "${given}" is not understood: it may be chunked or absent.`;
      return refuse("upstream_invalid", detail);
    }
    return { ok: true, value: CHUNKED };
  }
  const lengths = new Set(listed(head.headers, "content-length"));
  const [length] = lengths;
  if (length === undefined) return { ok: true, value: { kind: "close" } };
  if (lengths.size > 1 || !LENGTH.test(length)) {
    return refuse("upstream_invalid", "The app's Content-Length is not one number.");
  }
  return { ok: true, value: length === "0" ? NONE : { kind: "length", bytes: Number(length) } };
}

function refuse(kind: Failure["kind"], detail: string): { ok: false; failure: Failure } {
  return { ok: false, failure: { kind, detail } };
}
