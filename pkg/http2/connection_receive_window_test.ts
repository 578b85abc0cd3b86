import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { CODE, FLAG, FRAME } from "./frames.ts";
import { block, frame } from "./testing_frames.ts";
import { settled, short, startSide, type TestSide } from "./testing_side.ts";

const POST = block([":method", "POST"], [":scheme", "http"], [":path", "/"], [":authority", "a"]);

/** A server with windows of 1,000 bytes for streams, of which 1, 3, … are open. */
async function begin(count = 1, connectionWindowBytes = 100_000): Promise<TestSide> {
  const side = await startSide("server", { connectionWindowBytes });
  const opened = Array.from(
    { length: count },
    (_, index) => frame(FRAME.headers, FLAG.endHeaders, 2 * index + 1, POST),
  );
  await side.http2.begin(...opened);
  await settled(side.http2);
  return side;
}

async function after(side: TestSide, ...frames: readonly Buffer[]): Promise<string[]> {
  await side.http2.send(...frames);
  return short(await settled(side.http2));
}

function data(id: number, bytes: number, flags = 0): Buffer {
  return frame(FRAME.data, flags, id, Buffer.alloc(bytes));
}

function trailers(id: number): Buffer {
  return frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, id, block(["x-sum", "9"]));
}

Deno.test("a window opens with what is consumed, once that is half of it", async () => {
  await using side = await begin();
  const [stream] = side.streams;
  assert.deepEqual(await after(side, data(1, 1_000)), []);
  assert.deepEqual(side.events, ["1 data 1000"]);
  stream?.consumed(499);
  assert.deepEqual(await after(side), []);
  stream?.consumed(1);
  assert.deepEqual(await after(side), ["1 windowUpdate 500"]);
  assert.deepEqual(await after(side, data(1, 500)), []);
  assert.deepEqual(await after(side, data(1, 1)), [`1 reset ${CODE.flowControl}`]);
});

Deno.test("padding counts against the window, and is given back at once", async () => {
  await using side = await begin();
  const padded = frame(FRAME.data, FLAG.padded, 1, Buffer.concat([Buffer.from([255]), Buffer.alloc(255)]));
  assert.deepEqual(await after(side, padded), []);
  assert.deepEqual(await after(side, padded), ["1 windowUpdate 512"]);
  assert.deepEqual(side.events, [], "there was no payload");
});

Deno.test("a stream that is complete gets no more room, its connection does", async () => {
  await using side = await begin(1, 1_000);
  await after(side, data(1, 1_000, FLAG.endStream));
  assert.deepEqual(side.events, ["1 data 1000", "1 ended"]);
  side.streams[0]?.consumed(1_000);
  assert.deepEqual(await after(side), ["0 windowUpdate 1000"]);
});

/** Without it, each such stream would narrow the connection for all others, for good. */
Deno.test("payload without a taker is given back to the connection", async (t) => {
  const cases: Readonly<Record<string, (side: TestSide) => Promise<string[]>>> = {
    "of a stream that was broken off here": (side) => {
      side.streams[0]?.reset(CODE.cancel);
      return after(side, data(1, 600));
    },
    "more than the window of the stream": (side) => after(side, data(1, 1_001)),
    "more than was announced": (side) => {
      side.streams[0]?.expect(5);
      return after(side, data(1, 600));
    },
    "after the end of the stream": async (side) => {
      await after(side, data(1, 0, FLAG.endStream));
      return await after(side, data(1, 600));
    },
  };
  for (const [name, run] of Object.entries(cases)) {
    await t.step(name, async () => {
      await using side = await begin(2, 1_200);
      const seen = await run(side);
      assert.ok(seen.some((each) => /^0 windowUpdate (600|1001)$/.test(each)), seen.join());
      assert.deepEqual(side.closed, []);
    });
  }
});

Deno.test("the window of the connection is one for all streams", async () => {
  await using side = await begin(2, 1_500);
  assert.deepEqual(await after(side, data(1, 1_000), data(3, 500)), []);
  await side.http2.send(data(3, 1));
  assert.deepEqual(short([await side.http2.next()]), [`goaway ${CODE.flowControl} after 3`]);
  await side.wire.toEnd();
  assert.deepEqual(side.events.slice(2), [`1 reset ${CODE.flowControl}`, `3 reset ${CODE.flowControl}`]);
});

Deno.test("payload must be as long as announced, with trailers and without", async (t) => {
  const cases: readonly (readonly [name: string, frames: readonly Buffer[], last: string])[] = [
    ["exactly", [data(1, 2), data(1, 3, FLAG.endStream)], "1 ended"],
    ["exactly, with trailers", [data(1, 5), trailers(1)], "1 ended x-sum=9"],
    ["exactly, and an empty end", [data(1, 5), data(1, 0, FLAG.endStream)], "1 ended"],
    ["too short", [data(1, 4, FLAG.endStream)], `1 reset ${CODE.protocol}`],
    ["too short, with trailers", [data(1, 4), trailers(1)], `1 reset ${CODE.protocol}`],
    ["none, with trailers", [trailers(1)], `1 reset ${CODE.protocol}`],
    ["too long", [data(1, 4), data(1, 2)], `1 reset ${CODE.protocol}`],
  ];
  for (const [name, frames, last] of cases) {
    await t.step(name, async () => {
      await using side = await begin(2);
      side.streams[0]?.expect(5);
      const seen = await after(side, ...frames);
      assert.equal(side.events.at(-1), last);
      assert.deepEqual(seen, last.includes("reset") ? [last] : []);
      await after(side, data(3, 1));
      assert.equal(side.events.at(-1), "3 data 1", "the other stream goes on");
    });
  }
});

Deno.test("what was sent before a stream was broken off is no fault, however much it is", async () => {
  await using side = await begin(1);
  side.streams[0]?.reset(CODE.cancel);
  const late = [data(1, 10), trailers(1), frame(FRAME.reset, 0, 1, Buffer.alloc(4))];
  assert.deepEqual(await after(side, ...late), [`1 reset ${CODE.cancel}`]);
  assert.deepEqual(side.events, [], "who broke it off hears nothing");
  assert.deepEqual(side.closed, []);
});
