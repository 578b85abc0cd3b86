import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { CODE, FLAG, FRAME, SETTING, WINDOW_MAX } from "./frames.ts";
import { uint32s } from "./output.ts";
import { settingsPayload } from "./settings.ts";
import { block, frame } from "./testing_frames.ts";
import { settled, short, startSide, type TestSide } from "./testing_side.ts";

const GET = block([":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "a"]);
const OK = [{ lower: ":status", value: "200" }];

function get(id: number): Buffer {
  return frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, id, GET);
}

function initialWindow(bytes: number): Buffer {
  return frame(FRAME.settings, 0, 0, settingsPayload([[SETTING.initialWindow, bytes]]));
}

function update(id: number, bytes: number): Buffer {
  return frame(FRAME.windowUpdate, 0, id, uint32s(bytes));
}

/** A server whose client has opened streams 1, 3, … that have windows of `windowBytes`. */
async function begin(windowBytes: number, count = 1): Promise<TestSide> {
  const side = await startSide("server");
  await side.http2.begin(
    initialWindow(windowBytes),
    ...Array.from({ length: count }, (_, index) => get(2 * index + 1)),
  );
  await settled(side.http2);
  for (const stream of side.streams) stream.headers(OK, false);
  await settled(side.http2);
  return side;
}

/** Sends frames to the side, and gives what it sends for them. */
async function after(side: TestSide, ...frames: readonly Buffer[]): Promise<string[]> {
  await side.http2.send(...frames);
  return short(await settled(side.http2));
}

Deno.test("payload waits for the window of its stream, and goes on with as much as it is opened", async () => {
  await using side = await begin(10);
  const [stream] = side.streams;
  assert.equal(stream?.data([Buffer.alloc(25)], []), false);
  assert.equal(stream.queued, 15);
  assert.deepEqual(await after(side), ["1 data 10"]);
  assert.deepEqual(await after(side, update(1, 1)), ["1 data 1"]);
  assert.deepEqual(side.events, [], "there is no room yet");
  assert.deepEqual(await after(side, update(1, 100)), ["1 data 14 end"]);
  assert.equal(side.connection.size, 0);
});

Deno.test("a sender hears that there is room once nothing waits, and only then", async () => {
  await using side = await begin(10);
  const [stream] = side.streams;
  assert.equal(stream?.data([Buffer.alloc(30)], undefined), false);
  assert.deepEqual(await after(side, update(1, 10)), ["1 data 10", "1 data 10"]);
  assert.deepEqual(side.events, []);
  assert.deepEqual(await after(side, update(1, 10)), ["1 data 10"]);
  assert.deepEqual(side.events, ["1 drained"]);
  assert.equal(stream.data([], []), true);
  assert.deepEqual(await after(side), ["1 data 0 end"]);
});

Deno.test("streams share the window of the connection", async () => {
  await using side = await begin(1_000_000, 2);
  const sent = (seen: readonly string[], id: number): number =>
    seen.filter((each) => each.startsWith(`${id} data`)).reduce(
      (sum, each) => sum + Number(each.split(" ")[2]),
      0,
    );
  for (const stream of side.streams) stream.data([Buffer.alloc(40_000)], []);
  const first = await after(side);
  assert.deepEqual([sent(first, 1), sent(first, 3)], [40_000, 25_535]);
  assert.ok(first.every((each) => Number(each.split(" ")[2]) <= 16_384), "no frame is larger than allowed");
  assert.deepEqual(await after(side, update(3, 100_000)), [], "a stream's window alone is no help");
  assert.deepEqual(await after(side, update(0, 14_465)), ["3 data 14465 end"]);
});

Deno.test("SETTINGS change the windows of the streams that are open", async (t) => {
  await t.step("larger ones let go on what waits", async () => {
    await using side = await begin(10, 2);
    for (const stream of side.streams) stream.data([Buffer.alloc(25)], []);
    await after(side);
    assert.deepEqual(await after(side, initialWindow(22)), ["1 data 12", "3 data 12"]);
    assert.deepEqual(await after(side, initialWindow(25)), ["1 data 3 end", "3 data 3 end"]);
  });
  await t.step("smaller ones may leave a stream less than nothing", async () => {
    await using side = await begin(10);
    side.streams[0]?.data([Buffer.alloc(25)], []);
    await after(side);
    assert.deepEqual(await after(side, initialWindow(4)), []);
    assert.deepEqual(await after(side, update(1, 6)), [], "a window of 0");
    assert.deepEqual(await after(side, update(1, 2)), ["1 data 2"]);
  });
  await t.step("of several values in a frame the last one is right", async () => {
    await using side = await begin(0);
    side.streams[0]?.data([Buffer.alloc(9)], []);
    const both = settingsPayload([[SETTING.initialWindow, 9], [SETTING.initialWindow, 3]]);
    assert.deepEqual(await after(side, frame(FRAME.settings, 0, 0, both)), ["1 data 3"]);
  });
  await t.step("what is not known is passed over, also when its last byte is", async () => {
    await using side = await begin(0);
    side.streams[0]?.data([Buffer.alloc(9)], []);
    const unknown = Buffer.from([1, SETTING.initialWindow, 0, 0, 0, 9, 0, 99, 0xff, 0xff, 0xff, 0xff]);
    assert.deepEqual(await after(side, frame(FRAME.settings, 0, 0, unknown)), []);
  });
});

Deno.test("a window may be as large as a number of 31 bits, and no larger", async (t) => {
  const room = WINDOW_MAX - 100;
  await t.step("of a stream", async () => {
    await using side = await begin(100, 2);
    assert.deepEqual(await after(side, update(1, room)), []);
    assert.deepEqual(await after(side, update(1, 1)), [`1 reset ${CODE.flowControl}`]);
    assert.deepEqual(side.events, [`1 reset ${CODE.flowControl}`]);
    side.streams[1]?.data([Buffer.alloc(1)], []);
    assert.deepEqual(await after(side), ["3 data 1 end"], "the others go on");
  });
  await t.step("by SETTINGS", async () => {
    await using side = await begin(100);
    await after(side, update(1, room));
    await side.http2.send(initialWindow(101));
    assert.deepEqual(short([await side.http2.next()]), [`goaway ${CODE.flowControl} after 1`]);
    await side.wire.toEnd();
    assert.deepEqual(side.events, [`1 reset ${CODE.flowControl}`]);
    assert.equal(side.closed.length, 1);
  });
  await t.step("of the connection, after some of it was used", async () => {
    await using side = await begin(1_000);
    side.streams[0]?.data([Buffer.alloc(1_000)], undefined);
    assert.deepEqual(await after(side, update(0, WINDOW_MAX - 65_535 + 1_000)), ["1 data 1000"]);
    await side.http2.send(update(0, 1));
    assert.deepEqual(short([await side.http2.next()]), [`goaway ${CODE.flowControl} after 1`]);
  });
});

Deno.test("trailers wait behind the payload", async () => {
  await using side = await begin(4);
  side.streams[0]?.data([Buffer.alloc(3), Buffer.alloc(3)], [{ lower: "x-sum", value: "9" }]);
  assert.deepEqual(await after(side), ["1 data 3", "1 data 1"]);
  assert.equal(side.streams[0]?.localClosed, false);
  assert.deepEqual(await after(side, update(1, 2)), ["1 data 2", "1 headers end"]);
});

Deno.test("a stream that is broken off sends nothing of what waited, and its room goes to the others", async () => {
  await using side = await begin(10, 2);
  for (const stream of side.streams) stream.data([Buffer.alloc(15)], []);
  await after(side);
  assert.deepEqual(await after(side, frame(FRAME.reset, 0, 1, uint32s(CODE.cancel)), update(1, 100)), []);
  assert.deepEqual(side.events, [`1 reset ${CODE.cancel}`]);
  assert.equal(side.streams[0]?.queued, 0);
  assert.deepEqual(await after(side, update(3, 5)), ["3 data 5 end"]);
});

Deno.test("a window of a stream that is over may still be opened: the frame was on its way", async () => {
  await using side = await begin(10);
  side.streams[0]?.data([], []);
  assert.deepEqual(await after(side), ["1 data 0 end"]);
  assert.deepEqual(await after(side, update(1, 5), update(1, WINDOW_MAX)), []);
  assert.deepEqual(side.closed, []);
});

Deno.test("a header block larger than a frame is sent in several, and nothing comes between", async () => {
  await using side = await begin(10);
  side.streams[0]?.data([Buffer.alloc(20)], [{ lower: "x-long", value: "y".repeat(20_000) }]);
  await side.http2.send(update(1, 10));
  const seen = [];
  for (let count = 0; count < 4; count++) seen.push(await side.http2.next());
  assert.deepEqual(seen.map(({ type }) => type), [
    FRAME.data,
    FRAME.data,
    FRAME.headers,
    FRAME.continuation,
  ]);
  const [, , first, last] = seen;
  assert.deepEqual([first?.flags, last?.flags], [FLAG.endStream, FLAG.endHeaders]);
  assert.equal(first?.payload.length, 16_384);
});
