import assert from "node:assert/strict";
import { connect, createServer, type ServerHttp2Stream } from "node:http2";
import { duplexPair } from "node:stream";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BytesMessageSchema } from "../../../proto/gen/moby/buildkit/v1/control_pb.ts";
import { frame, unframed, until } from "../session/testing.ts";
import { Tunnel } from "./tunnel.ts";

const PIECE = 64 * 1024;
const PIECES = 300;

async function withTunnel(test: (tunnel: Tunnel, peer: ServerHttp2Stream) => Promise<void>): Promise<void> {
  const [near, far] = duplexPair();
  const server = createServer();
  server.on("sessionError", () => undefined);
  const accepted = Promise.withResolvers<ServerHttp2Stream>();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => undefined);
    stream.respond({ ":status": 200 });
    accepted.resolve(stream);
  });
  server.emit("connection", far);
  const client = connect("http://bed", { createConnection: () => near });
  client.on("error", () => undefined);
  const tunnel = new Tunnel(client.request({ ":method": "POST", ":path": "/" }));
  const closed = new Promise<void>((resolve) => tunnel.once("close", () => resolve()));
  tunnel.on("error", () => undefined);
  try {
    await test(tunnel, await accepted.promise);
  } finally {
    tunnel.destroy();
    await closed;
    near.destroy();
    far.destroy();
  }
}

function message(data: Uint8Array): Uint8Array {
  return frame(toBinary(BytesMessageSchema, create(BytesMessageSchema, { data })));
}

/** Waits until a number does not change any more. */
async function settled(value: () => number): Promise<number> {
  let before = -1;
  while (before !== value()) {
    before = value();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return before;
}

Deno.test("Tunnel takes no more than its reader does", () =>
  withTunnel(async (tunnel, peer) => {
    let sent = 0;
    const send = async (): Promise<void> => {
      for (let at = 0; at < PIECES; at++) {
        await new Promise((resolve) => peer.write(message(new Uint8Array(PIECE).fill(at)), resolve));
        sent++;
      }
    };
    const sending = send();
    tunnel.pause();
    assert.ok(await settled(() => sent) < PIECES / 4, `${sent} pieces were taken ahead`);
    let received = 0;
    tunnel.on("data", (chunk: Uint8Array) => {
      for (let at = 0; at < chunk.length; at += 4096) {
        const piece = Math.floor((received + at) / PIECE);
        assert.equal(chunk[at], piece % 256);
      }
      received += chunk.length;
    });
    tunnel.resume();
    await sending;
    await until(() => received === PIECES * PIECE);
  }));

Deno.test("Tunnel writes no faster than its peer reads, in messages that old versions take", () =>
  withTunnel(async (tunnel, peer) => {
    let [sent, received] = [0, 0];
    const send = async (): Promise<void> => {
      for (let at = 0; at < PIECES; at++) {
        await new Promise((resolve) => tunnel.write(new Uint8Array(PIECE).fill(at), resolve));
        sent++;
      }
      // Many small writes, and one that is larger than a message may be.
      for (let at = 0; at < 1000; at++) tunnel.write(Uint8Array.of(7));
      tunnel.end(new Uint8Array(5_000_000));
    };
    const sending = send();
    assert.ok(await settled(() => sent) < PIECES / 4, `${sent} pieces were sent ahead`);
    let rest: Uint8Array = new Uint8Array(0);
    let ended = false;
    peer.on("end", () => ended = true);
    peer.on("data", (chunk: Uint8Array) => {
      const all = new Uint8Array(rest.length + chunk.length);
      all.set(rest);
      all.set(chunk, rest.length);
      const cut = unframed(all);
      rest = cut.rest;
      for (const each of cut.messages) {
        assert.ok(each.length <= 4 * 1024 * 1024);
        received += fromBinary(BytesMessageSchema, each).data.length;
      }
    });
    await sending;
    await until(() => ended);
    assert.equal(received, PIECES * PIECE + 1000 + 5_000_000);
  }));

Deno.test("Tunnel ends with its call, and fails on bytes that are no messages", async (t) => {
  await t.step("the end", () =>
    withTunnel(async (tunnel, peer) => {
      let text = "";
      let ended = false;
      tunnel.on("data", (chunk: Uint8Array) => text += new TextDecoder().decode(chunk));
      tunnel.on("end", () => ended = true);
      peer.write(message(new Uint8Array(0)));
      peer.end(message(new TextEncoder().encode("last")));
      await until(() => ended);
      assert.equal(text, "last");
    }));
  for (
    const [name, bytes] of [
      ["a message that is too long", Uint8Array.of(0, 255, 255, 255, 255)],
      ["a compressed message", Uint8Array.of(1, 0, 0, 0, 0)],
      ["a message that is none", Uint8Array.of(0, 0, 0, 0, 2, 0x0a, 0x7f)],
    ] as const
  ) {
    await t.step(name, () =>
      withTunnel(async (tunnel, peer) => {
        let failure: Error | undefined;
        tunnel.on("error", (error) => failure = error);
        tunnel.resume();
        peer.write(bytes);
        await until(() => tunnel.destroyed);
        await until(() => failure !== undefined);
      }));
  }
});
