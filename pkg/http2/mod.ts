/**
 * HTTP/2 (RFC 9113) on a socket that is already connected, for both sides: frames, header compression, flow control and
 * the limits that keep a hostile other side from costing more than it pays. It does not know what fields mean.
 *
 * Payload that comes counts against the windows until it is consumed; payload that is sent waits for the other side's
 * windows. So memory per connection is bounded both ways.
 *
 * @module
 */
export { Http2Connection } from "./connection.ts";
export { CODE, PREFACE, type Problem } from "./frames.ts";
export type { Block, Field } from "./hpack_decoder.ts";
export type { FieldToSend } from "./hpack_encoder.ts";
export type { ConnectionOptions, Http2Limits } from "./sender.ts";
export { Stream, type StreamHandler } from "./stream.ts";
