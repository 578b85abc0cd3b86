import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { FrameReader, uint31, uint32 } from "./frame_reader.ts";
import { CODE, FRAME } from "./frames.ts";
import { frame } from "./testing_frames.ts";

const BYTES = Buffer.concat([
  frame(FRAME.settings, 0, 0),
  frame(FRAME.data, 1, 5, "hello"),
  frame(FRAME.ping, 0, 0, "12345678"),
]);
const FRAMES = ["4 0 0 ", "0 1 5 hello", "6 0 0 12345678"];

function read(pieces: readonly Buffer[]): string[] {
  const seen: string[] = [];
  const reader = new FrameReader(({ type, flags, id, payload }) => {
    seen.push(`${type} ${flags} ${id} ${payload.toString()}`);
    return true;
  });
  for (const each of pieces) assert.equal(reader.push(each), undefined);
  return seen;
}

Deno.test("FrameReader gives the same frames for every way to cut the bytes in three", () => {
  for (let first = 0; first <= BYTES.length; first++) {
    for (let second = first; second <= BYTES.length; second++) {
      const pieces = [BYTES.subarray(0, first), BYTES.subarray(first, second), BYTES.subarray(second)];
      assert.deepEqual(read(pieces), FRAMES, `${first}, ${second}`);
    }
  }
});

Deno.test("FrameReader gives a frame as soon as its last byte is there, also one without payload", () => {
  const seen: number[] = [];
  const reader = new FrameReader(({ type }) => seen.push(type) > 0);
  for (const [index, byte] of BYTES.entries()) {
    reader.push(Buffer.from([byte]));
    const wanted = index < 8 ? 0 : index < 22 ? 1 : index < BYTES.length - 1 ? 2 : 3;
    assert.equal(seen.length, wanted, `after ${index + 1} bytes`);
  }
});

Deno.test("FrameReader refuses a frame that is too large by its length alone", async (t) => {
  for (const pieces of [[9], [1, 8], [3, 6], [8, 1]]) {
    await t.step(`header in pieces of ${pieces.join(" and ")}`, () => {
      const header = frame(FRAME.data, 0, 1, Buffer.alloc(16_385)).subarray(0, 9);
      const reader = new FrameReader(() => assert.fail("no frame is whole"));
      let at = 0;
      const problems = pieces.map((length) => reader.push(header.subarray(at, at += length)));
      assert.equal(problems.at(-1)?.code, CODE.frameSize);
      assert.ok(problems.slice(0, -1).every((each) => each === undefined));
    });
  }
  await t.step("and takes the largest one", () => {
    assert.equal(read([frame(FRAME.data, 0, 1, "x".repeat(16_384))])[0]?.length, "0 0 1 ".length + 16_384);
  });
});

Deno.test("FrameReader reads nothing more once its handler returned false", () => {
  let count = 0;
  const reader = new FrameReader(() => {
    count++;
    return false;
  });
  reader.push(BYTES);
  reader.push(BYTES);
  assert.equal(count, 1);
});

Deno.test("numbers of 31 bits have no highest bit, numbers of 32 bits have one", () => {
  const cases: readonly (readonly [hex: string, small: number, large: number])[] = [
    ["00000000", 0, 0],
    ["7fffffff", 2 ** 31 - 1, 2 ** 31 - 1],
    ["80000001", 1, 2 ** 31 + 1],
    ["ffffffff", 2 ** 31 - 1, 2 ** 32 - 1],
  ];
  for (const [hex, small, large] of cases) {
    const bytes = Buffer.from(hex, "hex");
    assert.deepEqual([uint31(bytes, 0), uint32(bytes, 0)], [small, large], hex);
  }
  const reserved = frame(FRAME.data, 0, 1);
  reserved[5] = 0x80;
  assert.deepEqual(read([reserved]), ["0 0 1 "], "the highest bit of a stream's id means nothing");
});
