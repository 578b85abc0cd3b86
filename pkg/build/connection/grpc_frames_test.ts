import assert from "node:assert/strict";
import { frame } from "../session/testing.ts";
import { FRAME_HEAD_BYTES, FrameReader, writeFrameHead } from "./grpc_frames.ts";

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

Deno.test("FrameReader cuts messages however the bytes come", () => {
  const messages = [new Uint8Array(0), Uint8Array.from([1]), new Uint8Array(300).fill(2), new Uint8Array(0)];
  const whole = joined(messages.map(frame));
  for (const size of [1, 2, 4, 5, 6, 7, 300, whole.length]) {
    const reader = new FrameReader(300);
    const found: Uint8Array[] = [];
    for (let at = 0; at < whole.length; at += size) {
      for (const message of reader.push(whole.subarray(at, at + size))) found.push(Uint8Array.from(message));
    }
    assert.deepEqual(found, messages, `pieces of ${size} bytes`);
  }
});

Deno.test("FrameReader refuses messages that are too long before their bytes have come, and compressed ones", () => {
  assert.throws(() => new FrameReader(10).push(Uint8Array.from([0, 0, 0, 0, 11])), /11 bytes is longer/);
  assert.throws(() => new FrameReader(10).push(Uint8Array.from([0, 255, 255, 255, 255])), /4294967295 bytes/);
  assert.throws(() => new FrameReader(10).push(Uint8Array.from([1, 0, 0, 0, 0])), /compresses/);
});

Deno.test("writeFrameHead() writes lengths of four bytes", () => {
  const head = new Uint8Array(FRAME_HEAD_BYTES + 1).fill(9);
  writeFrameHead(head, 1, 0x01020304);
  assert.deepEqual([...head], [9, 0, 1, 2, 3, 4]);
});
