import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer, type Server } from "node:net";
import { Wire } from "../proxy/testing_wire.ts";
import { Http2Connection } from "./connection.ts";
import { CODE, FLAG, FRAME, SETTING } from "./frames.ts";
import { uint32s } from "./output.ts";
import { settingsPayload } from "./settings.ts";
import { block, frame, FrameWire } from "./testing_frames.ts";

const WHOLE = FLAG.endHeaders | FLAG.endStream;
const GET = block([":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "a"]);
const LIMITS = {
  streamsMax: 3,
  headBytesMax: 4_096,
  streamWindowBytes: 65_535,
  connectionWindowBytes: 100_000,
};

interface Bed extends AsyncDisposable {
  readonly port: number;
}

/** A server that answers requests when they are complete, and `open` ones never. */
async function start(): Promise<Bed> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    new Http2Connection({
      socket,
      limits: LIMITS,
      nowMs: () => 0,
      accept: (stream, { fields }, end) => {
        const answer = (): void => stream.headers([{ lower: ":status", value: "200" }], true);
        const opened = fields.some(({ value }) => value === "open");
        stream.handler = {
          headers: () => undefined,
          data: () => undefined,
          ended: answer,
          reset: () => undefined,
          drained: () => undefined,
        };
        if (end && !opened) answer();
      },
      closed: () => undefined,
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { port, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

function pseudo(...more: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat([GET, block(...more)]);
}

const OPEN = pseudo(["x", "open"]);

interface Case {
  readonly frames: readonly Buffer[];
  /** The end of the connection, or of the stream. */
  readonly goaway?: number;
  readonly reset?: number;
}

/** RFC 9113, sections 4 to 8. */
const CASES: Readonly<Record<string, Case>> = {
  "DATA on stream 0": { frames: [frame(FRAME.data, 1, 0, "x")], goaway: CODE.protocol },
  "DATA on an idle stream": { frames: [frame(FRAME.data, 1, 1, "x")], goaway: CODE.protocol },
  "DATA after the end of a request": {
    frames: [frame(FRAME.headers, WHOLE, 1, OPEN), frame(FRAME.data, 1, 1, "x")],
    reset: CODE.streamClosed,
  },
  "DATA with more padding than payload": {
    frames: [frame(FRAME.headers, FLAG.endHeaders, 1, GET), frame(FRAME.data, FLAG.padded, 1, "\x05x")],
    goaway: CODE.protocol,
  },
  "HEADERS on stream 0": { frames: [frame(FRAME.headers, WHOLE, 0, GET)], goaway: CODE.protocol },
  "HEADERS on an even stream": { frames: [frame(FRAME.headers, WHOLE, 2, GET)], goaway: CODE.protocol },
  "HEADERS of a stream that was answered": {
    frames: [frame(FRAME.headers, WHOLE, 1, GET), frame(FRAME.headers, WHOLE, 1, GET)],
    goaway: CODE.streamClosed,
  },
  "HEADERS of a stream that was passed over": {
    frames: [frame(FRAME.headers, WHOLE, 5, GET), frame(FRAME.headers, WHOLE, 3, GET)],
    goaway: CODE.protocol,
  },
  "HEADERS that depend on themselves": {
    frames: [
      frame(FRAME.headers, WHOLE | FLAG.priority, 1, Buffer.concat([Buffer.from([0, 0, 0, 1, 0]), GET])),
    ],
    reset: CODE.protocol,
  },
  "HEADERS with more padding than payload": {
    frames: [frame(FRAME.headers, WHOLE | FLAG.padded, 1, "\xffx")],
    goaway: CODE.protocol,
  },
  "a header block that cannot be decoded": {
    frames: [frame(FRAME.headers, WHOLE, 1, "\xff\xff\xff\xff\xff\xff\xff")],
    goaway: CODE.compression,
  },
  "another frame inside of a header block": {
    frames: [frame(FRAME.headers, 1, 1, GET), frame(FRAME.ping, 0, 0, "12345678")],
    goaway: CODE.protocol,
  },
  "CONTINUATION of nothing": { frames: [frame(FRAME.continuation, 4, 1, GET)], goaway: CODE.protocol },
  "CONTINUATION without an end": {
    frames: [frame(FRAME.headers, 1, 1, GET), ...Array(100).fill(frame(FRAME.continuation, 0, 1))],
    goaway: CODE.calm,
  },
  "a header block that is too long": {
    frames: [frame(FRAME.headers, WHOLE, 1, pseudo(["x", "y".repeat(9_000)]))],
    goaway: CODE.calm,
  },
  "trailers that do not end the request": {
    frames: [
      frame(FRAME.headers, FLAG.endHeaders, 1, GET),
      frame(FRAME.headers, FLAG.endHeaders, 1, block(["a", "b"])),
    ],
    reset: CODE.protocol,
  },
  "trailers with a pseudo-header": {
    frames: [
      frame(FRAME.headers, FLAG.endHeaders, 1, GET),
      frame(FRAME.headers, WHOLE, 1, block([":path", "/"])),
    ],
    reset: CODE.protocol,
  },
  "more streams than allowed": {
    frames: [1, 3, 5, 7].map((id) => frame(FRAME.headers, WHOLE, id, OPEN)),
    reset: CODE.refused,
  },
  "PRIORITY of a wrong size": { frames: [frame(FRAME.priority, 0, 1, "1234")], goaway: CODE.frameSize },
  "PRIORITY on stream 0": { frames: [frame(FRAME.priority, 0, 0, "12345")], goaway: CODE.protocol },
  "RST_STREAM on an idle stream": { frames: [frame(FRAME.reset, 0, 1, uint32s(8))], goaway: CODE.protocol },
  "RST_STREAM of a wrong size": {
    frames: [frame(FRAME.headers, WHOLE, 1, OPEN), frame(FRAME.reset, 0, 1, "123")],
    goaway: CODE.frameSize,
  },
  "SETTINGS on a stream": { frames: [frame(FRAME.settings, 0, 1)], goaway: CODE.protocol },
  "SETTINGS of a wrong size": { frames: [frame(FRAME.settings, 0, 0, "12345")], goaway: CODE.frameSize },
  "an acknowledgement with payload": {
    frames: [frame(FRAME.settings, 1, 0, "123456")],
    goaway: CODE.frameSize,
  },
  "a window that is too large": {
    frames: [frame(FRAME.settings, 0, 0, settingsPayload([[SETTING.initialWindow, 2 ** 31]]))],
    goaway: CODE.flowControl,
  },
  "a frame size that is too small": {
    frames: [frame(FRAME.settings, 0, 0, settingsPayload([[SETTING.frameBytesMax, 100]]))],
    goaway: CODE.protocol,
  },
  "a push that is neither on nor off": {
    frames: [frame(FRAME.settings, 0, 0, settingsPayload([[SETTING.enablePush, 2]]))],
    goaway: CODE.protocol,
  },
  PUSH_PROMISE: { frames: [frame(FRAME.push, 4, 1, uint32s(2))], goaway: CODE.protocol },
  "PING of a wrong size": { frames: [frame(FRAME.ping, 0, 0, "1234567")], goaway: CODE.frameSize },
  "PING on a stream": { frames: [frame(FRAME.ping, 0, 1, "12345678")], goaway: CODE.protocol },
  "GOAWAY on a stream": { frames: [frame(FRAME.goaway, 0, 1, uint32s(0, 0))], goaway: CODE.protocol },
  "WINDOW_UPDATE of 0": { frames: [frame(FRAME.windowUpdate, 0, 0, uint32s(0))], goaway: CODE.protocol },
  "WINDOW_UPDATE of 0 on a stream": {
    frames: [frame(FRAME.headers, WHOLE, 1, OPEN), frame(FRAME.windowUpdate, 0, 1, uint32s(0))],
    reset: CODE.protocol,
  },
  "WINDOW_UPDATE on an idle stream": {
    frames: [frame(FRAME.windowUpdate, 0, 1, uint32s(1))],
    goaway: CODE.protocol,
  },
  "a connection's window that is too large": {
    frames: [frame(FRAME.windowUpdate, 0, 0, uint32s(2 ** 31 - 1))],
    goaway: CODE.flowControl,
  },
  "a stream's window that is too large": {
    frames: [frame(FRAME.headers, WHOLE, 1, OPEN), frame(FRAME.windowUpdate, 0, 1, uint32s(2 ** 31 - 1))],
    reset: CODE.flowControl,
  },
  "a frame that is too large": {
    frames: [frame(FRAME.data, 0, 1, Buffer.alloc(16_385))],
    goaway: CODE.frameSize,
  },
  "more payload than the stream's window": {
    frames: [
      frame(FRAME.headers, FLAG.endHeaders, 1, OPEN),
      ...Array(4).fill(frame(FRAME.data, 0, 1, Buffer.alloc(16_384))),
    ],
    reset: CODE.flowControl,
  },
  "a flood of PING": { frames: Array(1_100).fill(frame(FRAME.ping, 0, 0, "12345678")), goaway: CODE.calm },
  "a flood of SETTINGS": { frames: Array(1_100).fill(frame(FRAME.settings, 0, 0)), goaway: CODE.calm },
  "a flood of empty DATA": {
    frames: [frame(FRAME.headers, FLAG.endHeaders, 1, OPEN), ...Array(1_100).fill(frame(FRAME.data, 0, 1))],
    goaway: CODE.calm,
  },
  "a flood of unknown frames": { frames: Array(1_100).fill(frame(99, 0, 0)), goaway: CODE.calm },
  "a flood of requests that are broken off": {
    frames: Array.from({ length: 300 }, (_, index) => [
      frame(FRAME.headers, WHOLE, 2 * index + 1, OPEN),
      frame(FRAME.reset, 0, 2 * index + 1, uint32s(CODE.cancel)),
    ]).flat(),
    goaway: CODE.calm,
  },
};

Deno.test("frames that break the protocol end their stream or the connection, as it says", async (t) => {
  await using bed = await start();
  for (const [name, { frames, goaway, reset }] of Object.entries(CASES)) {
    await t.step(name, async () => {
      using wire = await Wire.connect(bed.port);
      const http2 = new FrameWire(wire);
      await http2.begin(...frames);
      const wanted = goaway === undefined ? FRAME.reset : FRAME.goaway;
      for (;;) {
        const { type, payload } = await http2.next();
        if (type === FRAME.headers) continue;
        assert.equal(type, wanted);
        assert.equal(payload.readUInt32BE(goaway === undefined ? 0 : 4), goaway ?? reset);
        break;
      }
      if (goaway !== undefined) await wire.toEnd();
    });
  }
});

Deno.test("a connection that does not begin as it must is ended", async (t) => {
  await using bed = await start();
  const cases = {
    "with another protocol": Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "without SETTINGS": Buffer.concat([
      Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
      frame(FRAME.headers, WHOLE, 1, GET),
    ]),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    await t.step(name, async () => {
      using wire = await Wire.connect(bed.port);
      await wire.send(bytes);
      const { type, payload } = await new FrameWire(wire).next();
      assert.deepEqual([type, payload.readUInt32BE(4)], [FRAME.goaway, CODE.protocol]);
      await wire.toEnd();
    });
  }
});

Deno.test("frames are read whatever pieces they come in", async () => {
  await using bed = await start();
  using wire = await Wire.connect(bed.port);
  const http2 = new FrameWire(wire);
  await http2.begin();
  const bytes = Buffer.concat([
    frame(FRAME.headers, 1, 1, GET.subarray(0, 5)),
    frame(FRAME.continuation, 4, 1, GET.subarray(5)),
    frame(
      FRAME.headers,
      FLAG.endHeaders | FLAG.padded,
      3,
      Buffer.concat([Buffer.from([2]), GET, Buffer.from([0, 0])]),
    ),
    frame(FRAME.data, FLAG.padded | 1, 3, "\x01xy"),
  ]);
  for (const byte of bytes) await http2.send(Buffer.from([byte]));
  assert.deepEqual(await http2.fields(), { fields: { ":status": "200" }, end: true });
  assert.deepEqual(await http2.fields(), { fields: { ":status": "200" }, end: true });
});
