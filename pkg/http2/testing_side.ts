/** One side of HTTP/2 connections that does only what a test tells it, and notes what happens to it. */
import type { Buffer } from "node:buffer";
import { createServer } from "node:net";
import { Wire } from "../proxy/testing_wire.ts";
import { Http2Connection } from "./connection.ts";
import { FRAME, PREFACE, type Problem } from "./frames.ts";
import type { Field } from "./hpack_decoder.ts";
import type { Http2Limits } from "./sender.ts";
import type { Stream } from "./stream.ts";
import { frame, FrameWire, type SeenFrame } from "./testing_frames.ts";

export const TEST_LIMITS: Http2Limits = {
  streamsMax: 10,
  headBytesMax: 4_096,
  streamWindowBytes: 1_000,
  connectionWindowBytes: 100_000,
};

/** A connection under test, with the other side's end of it. */
export interface TestSide extends AsyncDisposable {
  readonly connection: Http2Connection;
  /** The other side. */
  readonly http2: FrameWire;
  readonly wire: Wire;
  /** The streams that the other side opened, in their order. */
  readonly streams: readonly Stream[];
  /** The events of all streams, e.g. `1 data hello`. */
  readonly events: string[];
  /** The ends of the connection: one at most. */
  readonly closed: readonly (Problem | undefined)[];
}

/** Notes the events of a stream; nothing is consumed. */
export function watch(stream: Stream, events: string[]): Stream {
  const { id } = stream;
  const list = (fields: readonly Field[]): string =>
    fields.map((each) => `${each.name}=${each.value}`).join();
  stream.handler = {
    headers: (fields) => void events.push(`${id} headers ${list(fields)}`),
    data: (bytes: Buffer) => void events.push(`${id} data ${bytes.length}`),
    ended: (trailers) => void events.push(`${id} ended ${list(trailers)}`.trimEnd()),
    reset: (code) => void events.push(`${id} reset ${code}`),
    drained: () => void events.push(`${id} drained`),
  };
  return stream;
}

/** Connects both sides; as a client, the connection under test has sent its preface. */
export async function startSide(
  role: "server" | "client",
  limits: Partial<Http2Limits> = {},
): Promise<TestSide> {
  const streams: Stream[] = [];
  const events: string[] = [];
  const closed: (Problem | undefined)[] = [];
  const begun = Promise.withResolvers<Http2Connection>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const accept = (stream: Stream): void => void streams.push(watch(stream, events));
    begun.resolve(
      new Http2Connection({
        socket,
        limits: { ...TEST_LIMITS, ...limits },
        nowMs: () => 0,
        ...(role === "server" ? { accept } : { leaving: () => void events.push("leaving") }),
        closed: (problem) => {
          closed.push(problem);
          socket.destroySoon();
        },
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const wire = await Wire.connect(typeof address === "object" && address !== null ? address.port : 0);
  const http2 = new FrameWire(wire);
  if (role === "client") await wire.exactly(PREFACE.length);
  return {
    connection: await begun.promise,
    http2,
    wire,
    streams,
    events,
    closed,
    [Symbol.asyncDispose]: async () => {
      wire.close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** The frames before the answer to a PING: everything that the frames sent so far bring about. */
export async function settled(http2: FrameWire): Promise<readonly SeenFrame[]> {
  await http2.send(frame(FRAME.ping, 0, 0, "12345678"));
  const seen: SeenFrame[] = [];
  for (;;) {
    const next = await http2.any();
    if (next.type === FRAME.ping) return seen.filter(({ type }) => type !== FRAME.settings);
    seen.push(next);
  }
}

/** Frames in short, e.g. `1 data 10 end`. */
export function short(seen: readonly SeenFrame[]): string[] {
  const names = new Map<number, string>(Object.entries(FRAME).map(([name, type]) => [type, name]));
  return seen.map(({ type, flags, id, payload }) => {
    const name = names.get(type) ?? String(type);
    if (type === FRAME.data) return `${id} data ${payload.length}${(flags & 1) !== 0 ? " end" : ""}`;
    if (type === FRAME.headers) return `${id} headers${(flags & 1) !== 0 ? " end" : ""}`;
    if (type === FRAME.goaway) return `goaway ${payload.readUInt32BE(4)} after ${payload.readUInt32BE(0)}`;
    return `${id} ${name} ${payload.readUInt32BE(0)}`;
  });
}
