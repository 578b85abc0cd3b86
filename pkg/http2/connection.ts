import { Buffer } from "node:buffer";
import { type Frame, FrameReader, uint31, uint32 } from "./frame_reader.ts";
import { CODE, FLAG, FRAME, PREFACE, type Problem, WINDOW_MAX } from "./frames.ts";
import { type HeaderBlock, HeaderBlocks } from "./header_blocks.ts";
import { type Block, HpackDecoder } from "./hpack_decoder.ts";
import { uint32s } from "./output.ts";
import { type ConnectionOptions, Http2Sender } from "./sender.ts";
import { parseSettings, type PeerSettings } from "./settings.ts";
import type { Stream } from "./stream.ts";

const PREFACE_BYTES = Buffer.from(PREFACE);
const NO_PAYLOAD = new Uint8Array();
/**
 * One side of an HTTP/2 connection (RFC 9113), on a socket that is already connected. Only this class reads from it.
 *
 * It is our own since the runtime's implementation has faults of memory that a stranger can reach (decision 0026).
 */
export class Http2Connection extends Http2Sender {
  readonly #reader: FrameReader;
  readonly #blocks: HeaderBlocks;
  readonly #decoder: HpackDecoder;
  #prefaceBytes: number;
  /** The client has passed over streams: it may not open them later. */
  #hasGaps = false;
  #hasSettings = false;

  constructor(options: ConnectionOptions) {
    super(options);
    const { socket, limits } = options;
    this.#prefaceBytes = this.isServer ? 0 : PREFACE.length;
    this.#reader = new FrameReader((frame) => {
      this.#frame(frame);
      return !this.over;
    });
    this.#blocks = new HeaderBlocks(2 * limits.headBytesMax);
    this.#decoder = new HpackDecoder(limits.headBytesMax);
    socket.on("data", (bytes: Buffer) => this.#received(bytes));
  }

  /** When the header block began that is not complete. */
  get blockSinceMs(): number | undefined {
    return this.#blocks.sinceMs;
  }

  #received(bytes: Buffer): void {
    let at = 0;
    while (this.#prefaceBytes < PREFACE.length && at < bytes.length) {
      if (bytes[at++] !== PREFACE_BYTES[this.#prefaceBytes++]) {
        return this.fail({ code: CODE.protocol, text: "the connection preface is wrong" });
      }
    }
    if (this.over) return;
    const problem = this.#reader.push(at === 0 ? bytes : bytes.subarray(at));
    if (problem !== undefined) this.fail(problem);
    else if (this.output.stuck) this.fail({ code: CODE.calm, text: "answers are not read" });
  }

  #frame(frame: Frame): void {
    const { type, id } = frame;
    const { openId } = this.#blocks;
    if (openId !== undefined && (type !== FRAME.continuation || id !== openId)) {
      return this.#protocol("a frame inside of a header block");
    }
    if (!this.#hasSettings && type !== FRAME.settings) return this.#protocol("SETTINGS must come first");
    switch (type) {
      case FRAME.data:
        return this.#data(frame);
      case FRAME.headers:
        if (id % 2 === 0) return this.#protocol("HEADERS on a stream that no client can open");
        return this.#block(this.#blocks.begin(frame, this.options.nowMs()));
      case FRAME.continuation:
        return this.#block(this.#blocks.more(frame));
      case FRAME.reset:
        return this.#reset(frame);
      case FRAME.settings:
        return this.#settings(frame);
      case FRAME.ping:
        return this.#ping(frame);
      case FRAME.goaway:
        return this.#goaway(frame);
      case FRAME.windowUpdate:
        return this.#windowUpdate(frame);
      case FRAME.push:
        return this.#protocol("a PUSH_PROMISE frame");
      case FRAME.priority:
        if (id === 0) return this.#protocol("PRIORITY on stream 0");
        if (frame.payload.length !== 5) return this.fail(size("PRIORITY"));
        return this.#idleFrame();
      default:
        return this.#idleFrame();
    }
  }

  #protocol(text: string): void {
    this.fail({ code: CODE.protocol, text });
  }

  #idleFrame(): void {
    if (!this.flood.idleFrame()) this.fail({ code: CODE.calm, text: "too many frames that say nothing" });
  }

  #isIdle(id: number): boolean {
    return this.isServer ? id > this.lastId : id >= this.nextId;
  }

  #data({ flags, id, payload }: Frame): void {
    if (this.#isIdle(id) || id === 0) return this.#protocol("DATA on a stream that is not open");
    const { length } = payload;
    const padded = (flags & FLAG.padded) !== 0;
    const padding = padded ? (payload[0] ?? 0) + 1 : 0;
    if (padding > length) return this.#protocol("a DATA frame with more padding than payload");
    this.receiveWindow -= length;
    if (this.receiveWindow < 0) return this.fail({ code: CODE.flowControl, text: "the window is exceeded" });
    const stream = this.streams.get(id);
    if (stream === undefined || stream.remoteClosed) this.credit(undefined, length);
    if (stream === undefined) return this.#late(id);
    if (stream.remoteClosed) return this.#break(stream, CODE.streamClosed);
    stream.receiveWindow -= length;
    if (stream.receiveWindow < 0) return this.#unwanted(stream, length, CODE.flowControl);
    const bytes = padded ? payload.subarray(1, length - padding + 1) : payload;
    const end = (flags & FLAG.endStream) !== 0;
    if (!stream.arrived(bytes.length)) return this.#unwanted(stream, length, CODE.protocol);
    if (padding > 0) this.credit(stream, padding);
    if (bytes.length > 0) this.flood.useful();
    else if (!end) return this.#idleFrame();
    if (end) stream.remoteClosed = true;
    if (bytes.length > 0) stream.handler?.data(bytes);
    if (end) this.#ended(stream, []);
  }

  /** Breaks a stream off for payload that goes nowhere: the connection's window stays as wide as it was. */
  #unwanted(stream: Stream, bytes: number, code: number): void {
    this.credit(undefined, bytes);
    this.#break(stream, code);
  }

  #ended(stream: Stream, trailers: Block["fields"]): void {
    stream.remoteClosed = true;
    if (!stream.complete) return this.#break(stream, CODE.protocol);
    stream.handler?.ended(trailers);
    this.settle(stream);
  }

  /** Something for a stream that is over. */
  #late(id: number): void {
    if (this.broken.has(id)) return this.#idleFrame();
    this.output.frame(FRAME.reset, 0, id, uint32s(CODE.streamClosed));
    this.#resetFrame();
  }

  /** HEADERS of a client for a stream that is over, or that was passed over: either is the end of the connection. */
  #reopened(id: number): void {
    if (this.broken.has(id)) return this.#idleFrame();
    if (this.#hasGaps) return this.#protocol("HEADERS on a stream below one that was opened");
    this.fail({ code: CODE.streamClosed, text: "HEADERS on a stream that is over" });
  }

  #resetFrame(): void {
    if (!this.flood.reset()) this.fail({ code: CODE.calm, text: "too many streams were broken off" });
  }

  /** Breaks a stream off because of what the other side sent. */
  #break(stream: Stream, code: number): void {
    const { handler } = stream;
    this.sendReset(stream, code);
    handler?.reset(code);
    this.#resetFrame();
  }

  #block(result: HeaderBlock | Problem | undefined): void {
    if (result === undefined) return;
    if ("code" in result) return this.fail(result);
    const block = this.#decoder.decode(result.bytes);
    if (block === undefined) {
      return this.fail({ code: CODE.compression, text: "a header block is malformed" });
    }
    const { id, endStream } = result;
    const stream = this.streams.get(id);
    if (stream !== undefined) return this.#moreFields(stream, block, endStream);
    if (!this.#isIdle(id)) return this.isServer ? this.#reopened(id) : this.#late(id);
    const { accept, limits } = this.options;
    if (accept === undefined) return this.#protocol("HEADERS on a stream that was not opened");
    this.#hasGaps ||= id > this.lastId + 2;
    this.lastId = id;
    if (result.selfish || this.draining === "yes" || this.streams.size >= limits.streamsMax) {
      const code = result.selfish ? CODE.protocol : CODE.refused;
      this.output.frame(FRAME.reset, 0, id, uint32s(code));
      this.remember(id);
      return this.#resetFrame();
    }
    this.flood.useful();
    const opened = this.open(id);
    opened.remoteClosed = endStream;
    accept(opened, block, endStream);
    this.settle(opened);
  }

  #moreFields(stream: Stream, block: Block, end: boolean): void {
    if (stream.remoteClosed) return this.#break(stream, CODE.streamClosed);
    const pseudo = block.fields.some((each) => each.name.startsWith(":"));
    if (this.isServer) {
      if (!end || pseudo || block.tooLarge) return this.#break(stream, CODE.protocol);
      return this.#ended(stream, block.fields);
    }
    if (block.tooLarge) return this.#break(stream, CODE.calm);
    if (!pseudo) return end ? this.#ended(stream, block.fields) : this.#break(stream, CODE.protocol);
    stream.handler?.headers(block.fields);
    if (end) this.#ended(stream, []);
  }

  #reset({ id, payload }: Frame): void {
    if (payload.length !== 4) return this.fail(size("RST_STREAM"));
    if (id === 0 || this.#isIdle(id)) return this.#protocol("RST_STREAM on a stream that is not open");
    const stream = this.streams.get(id);
    if (stream === undefined) return this.#idleFrame();
    const { handler } = stream;
    this.streams.delete(id);
    stream.drop();
    handler?.reset(uint32(payload, 0));
    if (this.isServer) this.#resetFrame();
    this.endIfDrained();
  }

  #settings({ flags, id, payload }: Frame): void {
    if (id !== 0) return this.#protocol("SETTINGS on a stream");
    if ((flags & FLAG.ack) !== 0) return payload.length === 0 ? undefined : this.fail(size("SETTINGS"));
    const settings = parseSettings(payload);
    if ("code" in settings) return this.fail(settings);
    this.#hasSettings = true;
    this.output.frame(FRAME.settings, FLAG.ack, 0, NO_PAYLOAD);
    this.#apply(settings);
    this.#idleFrame();
  }

  #apply({ initialWindow, concurrentStreamsMax }: PeerSettings): void {
    this.peerStreamsMax = concurrentStreamsMax ?? this.peerStreamsMax;
    if (initialWindow === undefined) return;
    const change = initialWindow - this.peerWindow;
    this.peerWindow = initialWindow;
    for (const stream of this.streams.values()) {
      stream.sendWindow += change;
      if (stream.sendWindow > WINDOW_MAX) {
        return this.fail({ code: CODE.flowControl, text: "a window is too large" });
      }
    }
    if (change > 0) this.flushStreams();
  }

  #ping({ flags, id, payload }: Frame): void {
    if (id !== 0) return this.#protocol("PING on a stream");
    if (payload.length !== 8) return this.fail(size("PING"));
    if ((flags & FLAG.ack) === 0) this.output.frame(FRAME.ping, FLAG.ack, 0, payload);
    this.#idleFrame();
  }

  #goaway({ id, payload }: Frame): void {
    if (id !== 0) return this.#protocol("GOAWAY on a stream");
    if (payload.length < 8) return this.fail(size("GOAWAY"));
    this.peerLeaving = true;
    if (this.isServer) return this.#idleFrame();
    const last = uint31(payload, 0);
    for (const stream of [...this.streams.values()]) {
      if (stream.id <= last) continue;
      const { handler } = stream;
      this.streams.delete(stream.id);
      stream.drop();
      handler?.reset(CODE.refused);
    }
    this.options.leaving?.();
  }

  #windowUpdate({ id, payload }: Frame): void {
    if (payload.length !== 4) return this.fail(size("WINDOW_UPDATE"));
    const more = uint31(payload, 0);
    if (id === 0) {
      if (more === 0) return this.#protocol("WINDOW_UPDATE of 0");
      this.sendWindow += more;
      if (this.sendWindow > WINDOW_MAX) {
        return this.fail({ code: CODE.flowControl, text: "the window is too large" });
      }
      return this.flushStreams();
    }
    if (this.#isIdle(id)) return this.#protocol("WINDOW_UPDATE on a stream that is not open");
    const stream = this.streams.get(id);
    if (stream === undefined) return;
    stream.sendWindow += more;
    if (more === 0) return this.#break(stream, CODE.protocol);
    if (stream.sendWindow > WINDOW_MAX) return this.#break(stream, CODE.flowControl);
    stream.flush();
  }
}

function size(frame: string): Problem {
  return { code: CODE.frameSize, text: `a ${frame} frame of the wrong size` };
}
