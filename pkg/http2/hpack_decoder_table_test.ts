import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { HpackDecoder } from "./hpack_decoder.ts";
import { HpackEncoder } from "./hpack_encoder.ts";

/** A literal that takes 34 bytes in the table: a name and a value of one character each. */
function literal(name: string, value: string): string {
  return Buffer.concat([Buffer.from([0x40, 1]), Buffer.from(name), Buffer.from([1]), Buffer.from(value)])
    .toString("hex");
}

/** A change of the table to `bytes`. */
function resize(bytes: number): string {
  if (bytes < 31) return Buffer.from([0x20 | bytes]).toString("hex");
  const rest = bytes - 31;
  return Buffer.from(rest < 128 ? [0x3f, rest] : [0x3f, (rest & 127) | 128, rest >>> 7]).toString("hex");
}

const FIRST = "be";
const SECOND = "bf";

Deno.test("HpackDecoder keeps its table as large as the other side says", async (t) => {
  const cases: readonly (readonly [name: string, blocks: readonly string[], last: string | undefined])[] = [
    ["two fields fit in 68 bytes", [resize(68) + literal("a", "1") + literal("b", "2"), SECOND], "a: 1"],
    [
      "and one in 67",
      [resize(67) + literal("a", "1") + literal("b", "2"), SECOND],
      undefined,
    ],
    ["the newest stays", [resize(67) + literal("a", "1") + literal("b", "2"), FIRST], "b: 2"],
    ["a table of 0 bytes keeps nothing", [resize(0) + literal("a", "1"), FIRST], undefined],
    ["a smaller table drops the oldest", [literal("a", "1") + literal("b", "2"), resize(34) + FIRST], "b: 2"],
    ["and they do not come back", [
      literal("a", "1") + literal("b", "2"),
      resize(34) + resize(4_096) + SECOND,
    ], undefined],
    ["several changes at the start of a block", [
      literal("a", "1"),
      resize(0) + resize(100) + literal("b", "2"),
      FIRST,
    ], "b: 2"],
    ["a change alone is a block", [literal("a", "1"), resize(4_096), FIRST], "a: 1"],
    ["4,096 bytes are allowed", [resize(4_096) + literal("a", "1"), FIRST], "a: 1"],
    ["4,097 are not", [resize(4_097) + literal("a", "1")], undefined],
  ];
  for (const [name, blocks, last] of cases) {
    await t.step(name, () => {
      const decoder = new HpackDecoder(10_000);
      const decoded = blocks.map((hex) => decoder.decode(Buffer.from(hex, "hex")));
      const field = decoded.at(-1)?.fields[0];
      assert.equal(field && `${field.name}: ${field.value}`, last);
    });
  }
});

Deno.test("HpackDecoder reads a field larger than its table, which is empty then", () => {
  const decoder = new HpackDecoder(10_000);
  decoder.decode(Buffer.from(resize(34) + literal("a", "1"), "hex"));
  assert.equal(decoder.decode(Buffer.from("400178027979", "hex"))?.fields[0]?.value, "yy");
  assert.equal(decoder.decode(Buffer.from(FIRST, "hex")), undefined);
});

Deno.test("HpackDecoder keeps out of its table what is not to be kept", () => {
  const decoder = new HpackDecoder(10_000);
  for (const mark of ["00", "10"]) {
    const block = `${mark}01610131`;
    assert.equal(decoder.decode(Buffer.from(block, "hex"))?.fields[0]?.value, "1");
    assert.equal(decoder.decode(Buffer.from(FIRST, "hex")), undefined, mark);
  }
});

Deno.test("HpackDecoder takes the name of a field that its own value pushes out", () => {
  const decoder = new HpackDecoder(10_000);
  decoder.decode(Buffer.from(resize(34) + literal("a", "1"), "hex"));
  const again = decoder.decode(Buffer.from("7e" + "0132", "hex"));
  assert.deepEqual(again?.fields.map(({ name, value }) => [name, value]), [["a", "2"]]);
  assert.equal(decoder.decode(Buffer.from(FIRST, "hex"))?.fields[0]?.value, "2");
});

Deno.test("HpackEncoder empties the other side's table once, and uses none of it", () => {
  const encoder = new HpackEncoder();
  const fields = [{ lower: "x-own", value: "1" }, { lower: ":status", value: "200" }];
  const first = Buffer.from(encoder.encode(fields)).toString("hex");
  const second = Buffer.from(encoder.encode(fields)).toString("hex");
  assert.equal(first, `20${second}`);
  assert.ok(second.endsWith("88"), "a field of the static table is one byte");
  const decoder = new HpackDecoder(10_000);
  decoder.decode(Buffer.from(first, "hex"));
  assert.equal(decoder.decode(Buffer.from(FIRST, "hex")), undefined);
});

Deno.test("integers and texts around the limits of their bytes pass from encoder to decoder", async (t) => {
  for (const length of [0, 126, 127, 128, 254, 255, 256, 16_510, 16_511, 70_000]) {
    await t.step(`${length} bytes`, () => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder(1_000_000);
      const fields = [
        { lower: `x-${"n".repeat(length)}`, value: "\xff".repeat(length) },
        { lower: "set-cookie", value: "last" },
      ];
      const read = decoder.decode(encoder.encode(fields))?.fields;
      assert.deepEqual(read?.map(({ lower, value }) => ({ lower, value })), fields);
    });
  }
});
