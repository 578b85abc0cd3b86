import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { FloodGuard } from "./flood.ts";
import { CODE, FLAG, FRAME, PREFACE, type Problem, SETTING, WINDOW_DEFAULT, WINDOW_MAX } from "./frames.ts";
import type { Block } from "./hpack_decoder.ts";
import { type FieldToSend, HpackEncoder } from "./hpack_encoder.ts";
import { Output, pieces, uint32s } from "./output.ts";
import { settingsPayload } from "./settings.ts";
import { Stream, type StreamConnection } from "./stream.ts";

/** Bounds of one connection. */
export interface Http2Limits {
  /** Streams that the other side may have open. */
  readonly streamsMax: number;
  /** The fields of one block, with 32 bytes for each beside its name and value. */
  readonly headBytesMax: number;
  /** Bytes that the other side may send before they are consumed. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
}

export interface ConnectionOptions {
  readonly socket: Duplex;
  readonly limits: Http2Limits;
  readonly nowMs: () => number;
  /** A server's connection: takes a new stream, and sets its handler. `end`: no payload follows. */
  readonly accept?: (stream: Stream, block: Block, end: boolean) => void;
  /** Called once, when nothing more can be sent or will come; a `problem` is the other side's fault. */
  readonly closed: (problem: Problem | undefined) => void;
  /** The other side takes no more streams. */
  readonly leaving?: () => void;
}

/** Streams broken off here whose last frames may still be on their way. */
const BROKEN_MAX = 128;

/** The streams of a connection, and what is sent on them. */
export class Http2Sender implements StreamConnection {
  protected readonly options: ConnectionOptions;
  protected readonly isServer: boolean;
  protected readonly streams = new Map<number, Stream>();
  protected readonly broken = new Set<number>();
  protected readonly output: Output;
  protected readonly flood: FloodGuard;
  protected lastId = 0;
  protected nextId = 1;
  protected draining: "no" | "announced" | "yes" = "no";
  protected receiveWindow: number;
  protected peerWindow = WINDOW_DEFAULT;
  readonly #encoder = new HpackEncoder();
  #uncredited = 0;
  #over = false;
  sendWindow = WINDOW_DEFAULT;
  /** Streams that the other side lets this one open at a time. */
  peerStreamsMax = Infinity;
  /** The other side takes no more streams. */
  peerLeaving = false;

  constructor(options: ConnectionOptions) {
    const { socket, limits } = options;
    this.options = options;
    this.isServer = options.accept !== undefined;
    this.output = new Output(socket);
    this.flood = new FloodGuard(options.nowMs);
    this.receiveWindow = limits.connectionWindowBytes;
    socket.on("end", () => this.#lost());
    socket.on("drain", () => this.#drained());
    socket.on("error", () => this.#lost());
    socket.on("close", () => this.#lost());
    this.#begin();
  }

  #begin(): void {
    const { headBytesMax, streamsMax, streamWindowBytes, connectionWindowBytes } = this.options.limits;
    if (!this.isServer) this.output.raw(Buffer.from(PREFACE));
    const settings = settingsPayload([
      ...(this.isServer
        ? [[SETTING.concurrentStreamsMax, streamsMax], [SETTING.connectProtocol, 1]] as const
        : [[SETTING.enablePush, 0]] as const),
      [SETTING.initialWindow, streamWindowBytes],
      [SETTING.headerListBytesMax, headBytesMax],
    ]);
    this.output.frame(FRAME.settings, 0, 0, settings);
    const more = connectionWindowBytes - WINDOW_DEFAULT;
    if (more > 0) this.output.frame(FRAME.windowUpdate, 0, 0, uint32s(more));
  }

  /** Streams that are open. */
  get size(): number {
    return this.streams.size;
  }

  get choked(): boolean {
    return this.output.choked;
  }

  /** True if a stream can be opened now. */
  get takesStreams(): boolean {
    return !this.#over && !this.peerLeaving && this.streams.size < this.peerStreamsMax &&
      this.nextId < WINDOW_MAX - 1;
  }

  /** True once nothing more can be sent. */
  get over(): boolean {
    return this.#over;
  }

  /** A client's: opens a stream with a request. */
  request(fields: readonly FieldToSend[], end: boolean): Stream {
    const stream = this.open(this.nextId);
    this.nextId += 2;
    stream.headers(fields, end);
    return stream;
  }

  protected open(id: number): Stream {
    const stream = new Stream(this, id, this.peerWindow, this.options.limits.streamWindowBytes);
    this.streams.set(id, stream);
    return stream;
  }

  /** A server's: lets the client know that it should open no more streams here; called twice, the second time for good. */
  leave(): void {
    if (this.#over || this.draining === "yes") return;
    // A client's last requests may be on their way: only the second one says which were the last.
    this.draining = this.draining === "no" ? "announced" : "yes";
    const last = this.draining === "yes" ? this.lastId : WINDOW_MAX;
    this.output.frame(FRAME.goaway, 0, 0, uint32s(last, CODE.none));
    if (this.draining === "yes") this.endIfDrained();
  }

  protected endIfDrained(): void {
    if (this.draining !== "yes" || this.streams.size > 0) return;
    this.output.flush();
    this.#close(undefined);
  }

  /** Ends the connection and says why. */
  fail(problem: Problem): void {
    if (this.#over) return;
    const text = Buffer.from(problem.text);
    this.output.frame(
      FRAME.goaway,
      0,
      0,
      Buffer.concat([uint32s(this.lastId, problem.code), text]),
    );
    this.output.flush();
    this.#close(problem);
  }

  #lost(): void {
    if (!this.#over) this.#close(undefined);
  }

  #close(problem: Problem | undefined): void {
    this.#over = true;
    const streams = [...this.streams.values()];
    this.streams.clear();
    for (const stream of streams) {
      const { handler } = stream;
      stream.drop();
      handler?.reset(problem?.code ?? CODE.cancel);
    }
    this.options.socket.end();
    this.options.closed(problem);
  }

  #drained(): void {
    this.output.drained();
    this.flushStreams();
  }

  protected flushStreams(): void {
    for (const stream of [...this.streams.values()]) {
      if (this.output.choked || this.sendWindow <= 0) break;
      stream.flush();
    }
  }

  sendHeaders(id: number, fields: readonly FieldToSend[], end: boolean): void {
    const parts = pieces(this.#encoder.encode(fields));
    for (const [index, part] of parts.entries()) {
      const flags = (index === parts.length - 1 ? FLAG.endHeaders : 0) |
        (index === 0 && end ? FLAG.endStream : 0);
      this.output.frame(index === 0 ? FRAME.headers : FRAME.continuation, flags, id, part);
    }
  }

  sendData(id: number, bytes: Uint8Array, end: boolean): void {
    this.flood.useful();
    this.output.frame(FRAME.data, end ? FLAG.endStream : 0, id, bytes);
  }

  sendReset(stream: Stream, code: number): void {
    if (!this.streams.delete(stream.id)) return;
    stream.drop();
    this.output.frame(FRAME.reset, 0, stream.id, uint32s(code));
    this.remember(stream.id);
    this.endIfDrained();
  }

  protected remember(id: number): void {
    this.broken.add(id);
    if (this.broken.size <= BROKEN_MAX) return;
    for (const oldest of this.broken) {
      this.broken.delete(oldest);
      return;
    }
  }

  credit(stream: Stream | undefined, bytes: number): void {
    const { connectionWindowBytes, streamWindowBytes } = this.options.limits;
    this.#uncredited += bytes;
    if (this.#uncredited * 2 >= connectionWindowBytes) {
      this.receiveWindow += this.#uncredited;
      this.output.frame(FRAME.windowUpdate, 0, 0, uint32s(this.#uncredited));
      this.#uncredited = 0;
    }
    if (stream === undefined || stream.remoteClosed) return;
    stream.uncredited += bytes;
    if (stream.uncredited * 2 < streamWindowBytes) return;
    stream.receiveWindow += stream.uncredited;
    this.output.frame(FRAME.windowUpdate, 0, stream.id, uint32s(stream.uncredited));
    stream.uncredited = 0;
  }

  settle(stream: Stream): void {
    if (!stream.localClosed) return;
    if (!stream.remoteClosed) return stream.forgone ? this.sendReset(stream, CODE.none) : undefined;
    if (this.streams.delete(stream.id)) this.endIfDrained();
  }
}
