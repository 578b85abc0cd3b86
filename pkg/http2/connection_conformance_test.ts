/** The sections of RFC 9113 as tools for conformance ask about them: what has to be taken, and what is refused where. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { CODE, FLAG, FRAME, SETTING } from "./frames.ts";
import { uint32s } from "./output.ts";
import { settingsPayload } from "./settings.ts";
import { block, frame } from "./testing_frames.ts";
import { settled, short, startSide } from "./testing_side.ts";

const WHOLE = FLAG.endHeaders | FLAG.endStream;
const GET = block([":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "a"]);
const [A, B, C] = [GET.subarray(0, 5), GET.subarray(5, 12), GET.subarray(12)];
/** Opens stream 1, whose request is not complete. */
const OPEN = frame(FRAME.headers, FLAG.endHeaders, 1, GET);
/** The same with a complete request, which nothing answers here. */
const ASKED = frame(FRAME.headers, WHOLE, 1, GET);
const BROKEN_OFF = frame(FRAME.reset, 0, 1, uint32s(CODE.cancel));

/** Each of these is taken without a word; the number of requests that it opens. */
const TAKEN: Readonly<Record<string, readonly [frames: readonly Buffer[], streams: number]>> = {
  "4.1 a frame of an unknown type": [[frame(0xb, 0xff, 0, "x")], 0],
  "4.1 a PING with flags that mean nothing": [[frame(FRAME.ping, 0x16, 0, "abcdefgh")], 0],
  "4.1 a stream's number with its highest bit": [[frame(FRAME.headers, WHOLE, 0x80000001, GET)], 1],
  "4.2 DATA as long as a frame may be": [
    [OPEN, frame(FRAME.data, FLAG.endStream, 1, Buffer.alloc(16_384))],
    1,
  ],
  "4.3 a header block of several frames": [
    [
      frame(FRAME.headers, FLAG.endStream, 1, A),
      frame(FRAME.continuation, 0, 1, B),
      frame(FRAME.continuation, FLAG.endHeaders, 1, C),
    ],
    1,
  ],
  "4.3 a header block with an empty frame": [
    [
      frame(FRAME.headers, FLAG.endStream, 1, GET),
      frame(FRAME.continuation, 0, 1),
      frame(FRAME.continuation, FLAG.endHeaders, 1),
    ],
    1,
  ],
  "5.1 PRIORITY on an idle stream": [[frame(FRAME.priority, 0, 7, "\0\0\0\0\x10")], 0],
  "5.1 PRIORITY on a stream that is over": [
    [OPEN, BROKEN_OFF, frame(FRAME.priority, 0, 1, "\0\0\0\0\x10")],
    1,
  ],
  "5.1 WINDOW_UPDATE on a stream that is over": [
    [OPEN, BROKEN_OFF, frame(FRAME.windowUpdate, 0, 1, uint32s(5))],
    1,
  ],
  "5.1 RST_STREAM on a stream that is over": [[OPEN, BROKEN_OFF, BROKEN_OFF], 1],
  "5.1.1 a stream after others that were passed over": [[frame(FRAME.headers, WHOLE, 9, GET)], 1],
  "6.2 HEADERS with padding and a priority": [
    [
      frame(
        FRAME.headers,
        WHOLE | FLAG.padded | FLAG.priority,
        1,
        Buffer.concat([Buffer.from([2, 0, 0, 0, 3, 15]), GET, Buffer.alloc(2)]),
      ),
    ],
    1,
  ],
  "6.4 RST_STREAM with an unknown code": [[OPEN, frame(FRAME.reset, 0, 1, uint32s(0xff))], 1],
  "6.5.2 a setting that is not known": [
    [frame(FRAME.settings, 0, 0, settingsPayload([[0xff, 1]]))],
    0,
  ],
  "6.5.2 settings at their limits": [
    [
      frame(
        FRAME.settings,
        0,
        0,
        settingsPayload([[SETTING.initialWindow, 2 ** 31 - 1], [SETTING.frameBytesMax, 2 ** 24 - 1]]),
      ),
    ],
    0,
  ],
  "6.7 an answer to a PING that was not asked": [[frame(FRAME.ping, FLAG.ack, 0, "12345678")], 0],
  "6.8 GOAWAY with an unknown code": [[frame(FRAME.goaway, 0, 0, uint32s(0, 0xff)), ASKED], 1],
  "6.9 WINDOW_UPDATE of the connection": [[frame(FRAME.windowUpdate, 0, 0, uint32s(1))], 0],
};

/** Each of these breaks off a stream or ends the connection. */
const REFUSED: Readonly<Record<string, readonly [frames: readonly Buffer[], answer: string]>> = {
  "4.2 HEADERS longer than a frame may be": [
    [frame(FRAME.headers, WHOLE, 1, Buffer.alloc(16_385))],
    `goaway ${CODE.frameSize}`,
  ],
  "4.3 HEADERS of another stream inside of a header block": [
    [frame(FRAME.headers, 0, 1, A), frame(FRAME.headers, WHOLE, 3, GET)],
    `goaway ${CODE.protocol}`,
  ],
  "4.3 PRIORITY inside of a header block": [
    [frame(FRAME.headers, 0, 1, A), frame(FRAME.priority, 0, 1, "\0\0\0\0\x10")],
    `goaway ${CODE.protocol}`,
  ],
  "5.1 CONTINUATION on an idle stream": [
    [frame(FRAME.continuation, FLAG.endHeaders, 1, GET)],
    `goaway ${CODE.protocol}`,
  ],
  "5.1 HEADERS after the end of a request": [
    [ASKED, frame(FRAME.headers, WHOLE, 1, block(["a", "b"]))],
    `1 reset ${CODE.streamClosed}`,
  ],
  "5.1 CONTINUATION after the end of a request": [
    [ASKED, frame(FRAME.continuation, FLAG.endHeaders, 1, GET)],
    `goaway ${CODE.protocol}`,
  ],
  "5.1 DATA on a stream that the client broke off": [
    [OPEN, BROKEN_OFF, frame(FRAME.data, 0, 1, "x")],
    `1 reset ${CODE.streamClosed}`,
  ],
  "5.1 HEADERS on a stream that the client broke off": [
    [OPEN, BROKEN_OFF, frame(FRAME.headers, WHOLE, 1, GET)],
    `goaway ${CODE.streamClosed}`,
  ],
  "5.1.1 a stream below one that was passed over": [
    [frame(FRAME.headers, WHOLE, 5, GET), frame(FRAME.headers, WHOLE, 3, GET)],
    `goaway ${CODE.protocol}`,
  ],
  "5.5 an unknown frame inside of a header block": [
    [frame(FRAME.headers, 0, 1, A), frame(0xb, 0, 0, "x")],
    `goaway ${CODE.protocol}`,
  ],
  "6.5.2 a frame size that is too large": [
    [frame(FRAME.settings, 0, 0, settingsPayload([[SETTING.frameBytesMax, 2 ** 24]]))],
    `goaway ${CODE.protocol}`,
  ],
  "6.9 WINDOW_UPDATE of a wrong size": [
    [frame(FRAME.windowUpdate, 0, 0, "123")],
    `goaway ${CODE.frameSize}`,
  ],
  "6.10 CONTINUATION on stream 0": [
    [frame(FRAME.headers, 0, 1, A), frame(FRAME.continuation, FLAG.endHeaders, 0, GET)],
    `goaway ${CODE.protocol}`,
  ],
  "6.10 CONTINUATION of another stream": [
    [frame(FRAME.headers, 0, 1, A), frame(FRAME.continuation, FLAG.endHeaders, 3, B)],
    `goaway ${CODE.protocol}`,
  ],
  "6.10 CONTINUATION behind the end of a header block": [
    [OPEN, frame(FRAME.continuation, FLAG.endHeaders, 1, A)],
    `goaway ${CODE.protocol}`,
  ],
  "6.10 CONTINUATION behind DATA": [
    [OPEN, frame(FRAME.data, 0, 1, "x"), frame(FRAME.continuation, FLAG.endHeaders, 1, A)],
    `goaway ${CODE.protocol}`,
  ],
};

Deno.test("what RFC 9113 lets a client send is taken, section by section", async (t) => {
  for (const [name, [frames, streams]] of Object.entries(TAKEN)) {
    await t.step(name, async () => {
      await using side = await startSide("server", { streamWindowBytes: 100_000 });
      await side.http2.begin(...frames);
      const seen = short(await settled(side.http2)).filter((each) => !each.startsWith("0 windowUpdate"));
      assert.deepEqual([seen, side.streams.length], [[], streams]);
      assert.deepEqual(side.closed, [], "the connection goes on");
    });
  }
});

Deno.test("what RFC 9113 forbids a client ends its stream or the connection, section by section", async (t) => {
  for (const [name, [frames, answer]] of Object.entries(REFUSED)) {
    await t.step(name, async () => {
      await using side = await startSide("server", { streamWindowBytes: 100_000 });
      await side.http2.begin(...frames);
      const seen = await side.http2.next();
      assert.equal(short([seen]).join().replace(/ after \d+$/, ""), answer);
      if (answer.startsWith("goaway")) await side.wire.toEnd();
    });
  }
});
