/** Frames by hand, so that tests send and see exactly what they mean. */
import { Buffer } from "node:buffer";
import { FRAME, PREFACE } from "./frames.ts";
import { HpackDecoder } from "./hpack_decoder.ts";

/** A frame as it came. */
export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** The bytes of a frame. */
export function frame(type: number, flags: number, id: number, payload: Uint8Array | string = ""): Buffer {
  const body = typeof payload === "string" ? Buffer.from(payload, "latin1") : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, body]);
}

/** A header block of literals, in which anything can be said. */
export function block(...fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, "latin1");
    const length = bytes.length < 127
      ? [bytes.length]
      : [127, ((bytes.length - 127) & 127) | 128, ...more((bytes.length - 127) >>> 7)];
    return Buffer.concat([Buffer.from(length), bytes]);
  };
  return Buffer.concat(
    fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])),
  );
}

function more(rest: number): number[] {
  return rest < 128 ? [rest] : [(rest & 127) | 128, ...more(rest >>> 7)];
}

/** A connection that takes and gives text of one byte per character. */
export interface ByteWire {
  send(data: string | Uint8Array): Promise<void>;
  exactly(count: number): Promise<string>;
}

/** A client of HTTP/2 that does nothing by itself. */
export class FrameWire {
  readonly wire: ByteWire;
  readonly #decoder = new HpackDecoder(1_000_000);

  constructor(wire: ByteWire) {
    this.wire = wire;
  }

  /** Sends the preface and empty settings with `frames` behind them. */
  begin(...frames: readonly Uint8Array[]): Promise<void> {
    return this.send(Buffer.from(PREFACE), frame(FRAME.settings, 0, 0), ...frames);
  }

  send(...frames: readonly Uint8Array[]): Promise<void> {
    return this.wire.send(Buffer.concat(frames));
  }

  /** The next frame. */
  async any(): Promise<SeenFrame> {
    const head = Buffer.from(await this.wire.exactly(9), "latin1");
    const payload = Buffer.from(await this.wire.exactly(head.readUIntBE(0, 3)), "latin1");
    return { type: head[3] ?? 0, flags: head[4] ?? 0, id: head.readUInt32BE(5), payload };
  }

  /** The next frame that is about a stream, or the end of the connection. */
  async next(): Promise<SeenFrame> {
    for (;;) {
      const seen = await this.any();
      const { type, id } = seen;
      if (type !== FRAME.settings && type !== FRAME.ping && !(type === FRAME.windowUpdate && id === 0)) {
        return seen;
      }
    }
  }

  /** The fields of the next frame, which must be HEADERS; of a stream, whatever comes of others before. */
  async fields(
    stream?: number,
  ): Promise<{ readonly fields: Readonly<Record<string, string>>; readonly end: boolean }> {
    let seen = await this.next();
    while (stream !== undefined && seen.id !== stream && seen.id !== 0) seen = await this.next();
    const { type, flags, payload, id } = seen;
    if (type !== FRAME.headers) {
      throw new Error(`frame ${type} of stream ${id} came: ${payload.toString("hex")}`);
    }
    const decoded = this.#decoder.decode(payload);
    const fields: Record<string, string> = {};
    for (const { name, value } of decoded?.fields ?? []) {
      fields[name] = fields[name] === undefined ? value : `${fields[name]}|${value}`;
    }
    return { fields, end: (flags & 1) !== 0 };
  }

  /** The payload of a stream up to its end; `reset` is the code when it was broken off. */
  async body(): Promise<{ readonly text: string; readonly reset?: number }> {
    let text = "";
    for (;;) {
      const { type, flags, payload } = await this.next();
      if (type === FRAME.reset) return { text, reset: payload.readUInt32BE(0) };
      if (type === FRAME.data) text += payload.toString("latin1");
      if ((flags & 1) !== 0) return { text };
    }
  }
}
