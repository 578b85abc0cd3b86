import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { CODE, FLAG, FRAME, SETTING, WINDOW_MAX } from "./frames.ts";
import { uint32s } from "./output.ts";
import { settingsPayload } from "./settings.ts";
import type { Stream } from "./stream.ts";
import { block, frame } from "./testing_frames.ts";
import { settled, short, startSide, type TestSide, watch } from "./testing_side.ts";

const GET = [
  { lower: ":method", value: "GET" },
  { lower: ":scheme", value: "http" },
  { lower: ":path", value: "/" },
  { lower: ":authority", value: "a" },
];
const WHOLE = FLAG.endHeaders | FLAG.endStream;

interface Client extends TestSide {
  readonly requests: readonly Stream[];
}

/** A client with `count` requests under way; the server has sent its settings. */
async function begin(count: number, limits = {}): Promise<Client> {
  const side = await startSide("client", limits);
  const requests = Array.from(
    { length: count },
    () => watch(side.connection.request(GET, true), side.events),
  );
  await side.http2.send(frame(FRAME.settings, 0, 0));
  await settled(side.http2);
  return { ...side, requests };
}

async function after(side: TestSide, ...frames: readonly Buffer[]): Promise<string[]> {
  await side.http2.send(...frames);
  return short(await settled(side.http2));
}

function response(id: number, status = "200", flags: number = FLAG.endHeaders): Buffer {
  return frame(FRAME.headers, flags, id, block([":status", status]));
}

function goaway(last: number): Buffer {
  return frame(FRAME.goaway, 0, 0, uint32s(last, CODE.none));
}

Deno.test("a server that leaves finishes what it names, and the rest is refused at once", async () => {
  await using side = await begin(3);
  assert.deepEqual(await after(side, goaway(3)), []);
  assert.deepEqual(side.events, [`5 reset ${CODE.refused}`, "leaving"]);
  assert.deepEqual([side.connection.size, side.connection.takesStreams], [2, false]);
  await after(side, response(1), frame(FRAME.data, FLAG.endStream, 1, "abc"), response(3, "204", WHOLE));
  assert.deepEqual(side.events.slice(2), [
    "1 headers :status=200",
    "1 data 3",
    "1 ended",
    "3 headers :status=204",
    "3 ended",
  ]);
  assert.deepEqual([side.connection.size, side.closed.length], [0, 0]);
});

Deno.test("a server that leaves in two steps may name fewer the second time", async () => {
  await using side = await begin(2);
  await after(side, goaway(WINDOW_MAX));
  assert.deepEqual(side.events, ["leaving"]);
  await after(side, goaway(1));
  assert.deepEqual(side.events, ["leaving", `3 reset ${CODE.refused}`, "leaving"]);
});

Deno.test("a connection that is lost breaks off all requests, once each", async () => {
  await using side = await begin(2);
  await side.wire.finish();
  await side.wire.toEnd();
  assert.deepEqual(side.events, [`1 reset ${CODE.cancel}`, `3 reset ${CODE.cancel}`]);
  assert.deepEqual(side.closed, [undefined]);
  assert.equal(side.connection.takesStreams, false);
});

Deno.test("a client opens no more streams than the server allows, also when that changes", async () => {
  await using side = await begin(2);
  const allow = (count: number): Promise<string[]> =>
    after(side, frame(FRAME.settings, 0, 0, settingsPayload([[SETTING.concurrentStreamsMax, count]])));
  assert.equal(side.connection.takesStreams, true);
  await allow(2);
  assert.equal(side.connection.takesStreams, false);
  await allow(3);
  assert.equal(side.connection.takesStreams, true);
  await allow(1);
  assert.equal(side.connection.takesStreams, false, "those that are open go on");
  await after(side, response(1, "200", WHOLE));
  assert.equal(side.connection.takesStreams, false);
  await after(side, response(3, "200", WHOLE));
  assert.equal(side.connection.takesStreams, true);
  await allow(0);
  assert.equal(side.connection.takesStreams, false);
});

Deno.test("settings without a number of streams leave that as it was", async () => {
  await using side = await begin(1);
  await after(side, frame(FRAME.settings, 0, 0, settingsPayload([[SETTING.concurrentStreamsMax, 1]])));
  await after(side, frame(FRAME.settings, 0, 0, settingsPayload([[SETTING.initialWindow, 9]])));
  assert.equal(side.connection.takesStreams, false);
});

Deno.test("interim responses come before the response, trailers after it", async () => {
  await using side = await begin(1);
  await after(
    side,
    response(1, "103"),
    response(1, "100"),
    response(1),
    frame(FRAME.data, 0, 1, "body"),
    frame(FRAME.headers, WHOLE, 1, block(["x-sum", "9"])),
  );
  assert.deepEqual(side.events, [
    "1 headers :status=103",
    "1 headers :status=100",
    "1 headers :status=200",
    "1 data 4",
    "1 ended x-sum=9",
  ]);
});

Deno.test("what a server may not send ends its stream or the connection", async (t) => {
  const cases: readonly {
    readonly name: string;
    readonly frames: readonly Buffer[];
    readonly sent: string;
  }[] = [
    {
      name: "a stream that was not asked for",
      frames: [response(3)],
      sent: `goaway ${CODE.protocol} after 0`,
    },
    { name: "a stream of its own", frames: [response(2)], sent: `goaway ${CODE.protocol} after 0` },
    {
      name: "payload of a stream that was not asked for",
      frames: [frame(FRAME.data, 0, 3, "x")],
      sent: `goaway ${CODE.protocol} after 0`,
    },
    {
      name: "a push",
      frames: [frame(FRAME.push, FLAG.endHeaders, 1, uint32s(2))],
      sent: `goaway ${CODE.protocol} after 0`,
    },
    {
      name: "a short GOAWAY",
      frames: [frame(FRAME.goaway, 0, 0, "1234567")],
      sent: `goaway ${CODE.frameSize} after 0`,
    },
    {
      name: "trailers that are not the end",
      frames: [response(1), frame(FRAME.headers, FLAG.endHeaders, 1, block(["x", "y"]))],
      sent: `1 reset ${CODE.protocol}`,
    },
    {
      name: "headers that are too large",
      frames: [frame(FRAME.headers, WHOLE, 1, block([":status", "200"], ["x", "y".repeat(4_100)]))],
      sent: `1 reset ${CODE.calm}`,
    },
  ];
  for (const { name, frames, sent } of cases) {
    await t.step(name, async () => {
      await using side = await begin(1);
      await side.http2.send(...frames);
      assert.deepEqual(short([await side.http2.next()]), [sent]);
      const code = /[0-9]+(?= after|$)/.exec(sent)?.[0];
      assert.equal(side.events.at(-1), `1 reset ${code}`);
      assert.equal(side.closed.length, sent.startsWith("goaway") ? 1 : 0);
    });
  }
});

Deno.test("a header block too large for one stream leaves the compression of the others in step", async () => {
  await using side = await begin(2);
  // The last field is beyond the limit, and goes into the table all the same.
  const literal = Buffer.concat([
    Buffer.from([0x40, 1]),
    Buffer.from("a"),
    Buffer.from([1]),
    Buffer.from("b"),
  ]);
  const large = Buffer.concat([block([":status", "200"], ["x", "y".repeat(4_100)]), literal]);
  const indexed = Buffer.concat([block([":status", "200"]), Buffer.from([0xbe])]);
  await after(side, frame(FRAME.headers, WHOLE, 1, large), frame(FRAME.headers, WHOLE, 3, indexed));
  assert.deepEqual(side.events, [`1 reset ${CODE.calm}`, "3 headers :status=200,a=b", "3 ended"]);
});

Deno.test("a response that ends before its request lets the request go on", async () => {
  await using side = await begin(0);
  const stream = watch(side.connection.request(GET, false), side.events);
  await after(side, response(1, "200", WHOLE));
  assert.deepEqual([stream.localClosed, side.connection.size], [false, 1]);
  stream.data([Buffer.from("late")], []);
  assert.deepEqual(await after(side), ["1 data 4 end"]);
  assert.equal(side.connection.size, 0);
});

Deno.test("a server leaves in two steps: requests on their way are served, later ones refused", async () => {
  await using side = await startSide("server");
  const get = (id: number): Buffer =>
    frame(FRAME.headers, WHOLE, id, block([":method", "GET"], [":scheme", "http"], [":path", "/"]));
  await side.http2.begin(get(1));
  await settled(side.http2);
  side.connection.leave();
  assert.deepEqual(await after(side, get(3)), [`goaway 0 after ${WINDOW_MAX}`]);
  assert.equal(side.streams.length, 2);
  side.connection.leave();
  assert.deepEqual(await after(side, get(5)), ["goaway 0 after 3", `5 reset ${CODE.refused}`]);
  assert.equal(side.streams.length, 2);
  side.connection.leave();
  side.streams[0]?.headers([{ lower: ":status", value: "200" }], true);
  assert.deepEqual(await after(side), ["1 headers end"], "a third call says nothing");
  side.streams[1]?.headers([{ lower: ":status", value: "200" }], true);
  assert.deepEqual(short([await side.http2.next()]), ["3 headers end"]);
  await side.wire.toEnd();
  assert.deepEqual(side.closed, [undefined]);
});
