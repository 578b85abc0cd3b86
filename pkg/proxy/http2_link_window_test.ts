import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "node:net";
import { systemClock } from "../clock/mod.ts";
import { CODE, FLAG, FRAME } from "../http2/frames.ts";
import { uint32s } from "../http2/output.ts";
import { block, frame } from "../http2/testing_frames.ts";
import { settled, short, startSide, type TestSide } from "../http2/testing_side.ts";
import { Http2Link } from "./http2_link.ts";
import type { LinkUser } from "./link.ts";
import { Pool, UpstreamConnection } from "./pool.ts";
import { StreamTunnel } from "./stream_tunnel.ts";
import { App } from "./testing_wire.ts";
import { LIMITS } from "./types.ts";

const WINDOW = { connectionWindowBytes: 1_000 };
const RESPONSE = frame(FRAME.headers, FLAG.endHeaders, 1, block([":status", "200"]));

interface Bed extends AsyncDisposable {
  readonly side: TestSide;
  readonly link: Http2Link;
  readonly pool: Pool;
  readonly events: string[];
}

/** A request under way at an app of HTTP/2, of whose response nothing is taken for now. */
async function begin(method = "GET"): Promise<Bed> {
  const side = await startSide("client", WINDOW);
  const pool = new Pool({ clock: systemClock(), limits: LIMITS });
  const upstream = { key: "k", host: "127.0.0.1", port: 1 };
  const link = new Http2Link(pool, { connection: side.connection, upstream, used: false });
  const events: string[] = [];
  const user: LinkUser = {
    interim: () => void events.push("interim"),
    response: ({ start, slices, trailers }) => {
      if (start !== undefined) events.push(`response ${start.head.status}`);
      for (const each of slices) events.push(`data ${each.length}`);
      if (trailers !== undefined) events.push("end");
    },
    switched: () => void events.push("switched"),
    invalid: () => {
      events.push("invalid");
      link.release(false);
    },
    lost: (_cause, unprocessed) => {
      events.push(`lost ${unprocessed === true}`);
      link.release(false);
    },
    drained: () => undefined,
  };
  link.open(user);
  const host = { name: "Host", lower: "host", value: "a" };
  const head = { method, target: "/", minor: 1, headers: [host] } as const;
  const request = {
    ...{ id: "r", method, target: "/", host: "a", hostHeader: "a", headers: [host] },
    ...{ clientAddress: "127.0.0.1", scheme: "http", hops: 0 } as const,
  };
  const start = { request, head, framing: { kind: "none" }, upgrade: undefined, trusted: false } as const;
  link.send({ start, slices: [], trailers: [] });
  await side.http2.send(frame(FRAME.settings, 0, 0));
  await settled(side.http2);
  return { side, link, pool, events, [Symbol.asyncDispose]: () => side[Symbol.asyncDispose]() };
}

async function after({ side }: Bed, ...frames: readonly Buffer[]): Promise<string[]> {
  await side.http2.send(...frames);
  return short(await settled(side.http2));
}

function data(bytes: number, flags = 0): Buffer {
  return frame(FRAME.data, flags, 1, Buffer.alloc(bytes));
}

const RETURNED = "0 windowUpdate 600";

/** The window is one for all requests of a connection: what it loses, it loses for good. */
Deno.test("what a client does not take of a response is given back to the app's connection", async (t) => {
  await t.step("nothing is, while it may be taken", async () => {
    await using bed = await begin();
    await after(bed, RESPONSE);
    bed.link.pause();
    assert.deepEqual(await after(bed, data(600)), []);
    bed.link.resume();
    assert.deepEqual(await after(bed), [RETURNED, "1 windowUpdate 600"]);
    assert.deepEqual(bed.events, ["response 200", "data 600"]);
  });
  await t.step("when the client went away", async () => {
    await using bed = await begin();
    await after(bed, RESPONSE);
    bed.link.pause();
    await after(bed, data(600));
    bed.link.release(false);
    const seen = await after(bed);
    assert.ok(seen.includes(RETURNED), seen.join());
    assert.ok(seen.includes(`1 reset ${CODE.cancel}`), seen.join());
    assert.equal(bed.pool.load("k"), 0);
  });
  await t.step("when the app broke the stream off", async () => {
    await using bed = await begin();
    await after(bed, RESPONSE);
    bed.link.pause();
    const seen = await after(bed, data(600), frame(FRAME.reset, 0, 1, uint32s(CODE.internal)));
    assert.deepEqual(seen, [RETURNED]);
    assert.deepEqual(bed.events, ["response 200", "lost false"]);
  });
  await t.step("when the payload came before the headers", async () => {
    await using bed = await begin();
    const seen = await after(bed, data(600));
    assert.ok(seen.includes(RETURNED), seen.join());
    assert.deepEqual(bed.events, ["invalid"]);
  });
  await t.step("when there may be no payload at all", async () => {
    await using bed = await begin("HEAD");
    const seen = await after(bed, RESPONSE, data(600, FLAG.endStream));
    assert.deepEqual(seen, [RETURNED]);
    assert.deepEqual(bed.events, ["response 200", "end"]);
  });
});

Deno.test("a request that the app refuses to begin may be sent elsewhere, one that it broke off may not", async () => {
  for (const [code, unprocessed] of [[CODE.refused, true], [CODE.internal, false]] as const) {
    await using bed = await begin();
    await after(bed, frame(FRAME.reset, 0, 1, uint32s(code)));
    assert.deepEqual(bed.events, [`lost ${unprocessed}`]);
  }
});

Deno.test("trailers wait until the payload before them is taken", async () => {
  await using bed = await begin();
  await after(bed, RESPONSE);
  bed.link.pause();
  const trailers = frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, block(["x-sum", "9"]));
  await after(bed, data(5), trailers);
  assert.deepEqual(bed.events, ["response 200"]);
  bed.link.resume();
  assert.deepEqual(bed.events, ["response 200", "data 5", "end"]);
});

Deno.test("what the app of a WebSocket did not take is given back when the stream ends", async () => {
  using app = new App();
  const size = 6 * 16_384;
  await using side = await startSide("server", { streamWindowBytes: 1_000_000, connectionWindowBytes: size });
  const open = block([":method", "CONNECT"], [":scheme", "https"], [":path", "/"]);
  await side.http2.begin(frame(FRAME.headers, FLAG.endHeaders, 1, open));
  await settled(side.http2);
  const [stream] = side.streams;
  assert.ok(stream !== undefined);
  const socket = connect({ host: "127.0.0.1", port: app.port });
  const connection = new UpstreamConnection(socket, app.upstream);
  let closed = 0;
  new StreamTunnel(stream, connection, () => closed++);
  // The socket keeps all of it, and says from some point on that this is too much.
  socket.cork();
  const returned = async (): Promise<number> => {
    const updates = short(await settled(side.http2)).filter((each) => each.startsWith("0 windowUpdate "));
    return updates.reduce((sum, each) => sum + Number(each.split(" ")[2]), 0);
  };
  const chunk = frame(FRAME.data, 0, 1, Buffer.alloc(16_384));
  await side.http2.send(...Array.from({ length: size / 16_384 }, () => chunk));
  const before = await returned();
  assert.ok(before < size, "some of it waits");
  await side.http2.send(frame(FRAME.reset, 0, 1, uint32s(CODE.cancel)));
  assert.equal(before + await returned(), size);
  assert.equal(closed, 1);
  socket.uncork();
  (await app.accept()).close();
  socket.destroy();
});
