import { Buffer } from "node:buffer";

/** The first bytes of a client that speaks HTTP/2 without having asked (RFC 9113, 3.4), as far as they look like a head. */
const PREFACE = "PRI * HTTP/2.0\r\n\r\n";
const SETTINGS = 4;
const GOAWAY = 7;
const HTTP_1_1_REQUIRED = 13;

export function isHttp2Preface(bytes: Buffer): boolean {
  return bytes.toString("latin1", 0, PREFACE.length) === PREFACE;
}

/** The refusal of an HTTP/2 connection in its own words: the client reads no others. `text` is for its user. */
export function http2Refusal(text: string): Buffer {
  const debug = Buffer.from(text);
  const reasons = Buffer.alloc(8);
  reasons.writeUInt32BE(HTTP_1_1_REQUIRED, 4);
  return Buffer.concat([frame(SETTINGS, []), frame(GOAWAY, [reasons, debug])]);
}

/** A frame of the connection itself: without flags, of stream 0. */
function frame(type: number, parts: readonly Buffer[]): Buffer {
  const payload = Buffer.concat(parts);
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  return Buffer.concat([head, payload]);
}
