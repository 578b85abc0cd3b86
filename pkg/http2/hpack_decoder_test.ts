import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { HpackDecoder } from "./hpack_decoder.ts";
import { HpackEncoder } from "./hpack_encoder.ts";

function decode(decoder: HpackDecoder, hex: string): string[] | undefined {
  return decoder.decode(Buffer.from(hex, "hex"))?.fields.map(({ name, value }) => `${name}: ${value}`);
}

Deno.test("HpackDecoder reads the requests of RFC 7541, appendix C.3 and C.4", () => {
  const first = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
  const third = [
    ":method: GET",
    ":scheme: https",
    ":path: /index.html",
    ":authority: www.example.com",
    "custom-key: custom-value",
  ];
  for (
    const blocks of [
      [
        "828684410f7777772e6578616d706c652e636f6d",
        "828684be58086e6f2d6361636865",
        "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
      ],
      [
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        "828684be5886a8eb10649cbf",
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
      ],
    ]
  ) {
    const decoder = new HpackDecoder(10_000);
    const [one = "", two = "", three = ""] = blocks;
    assert.deepEqual(decode(decoder, one), first);
    assert.deepEqual(decode(decoder, two), [...first, "cache-control: no-cache"]);
    assert.deepEqual(decode(decoder, three), third);
  }
});

Deno.test("HpackDecoder forgets the oldest fields when its table is full", () => {
  const decoder = new HpackDecoder(1_000_000);
  // The table holds 4,096 bytes: one field of 4,000 pushes the one before it out.
  const large = (fill: string): string => "400178" + "7fa11e" + fill.repeat(4_000);
  assert.equal(decode(decoder, large("61"))?.length, 1);
  assert.equal(decode(decoder, large("62"))?.length, 1);
  assert.equal(decode(decoder, "be")?.[0], `x: ${"b".repeat(4_000)}`);
  assert.equal(decode(decoder, "bf"), undefined);
});

Deno.test("HpackDecoder refuses blocks that are malformed", () => {
  const cases = {
    "index 0": "80",
    "an index that is not in the table": "be",
    "a table larger than allowed": "3fe21f",
    "a change of the table after a field": "8220",
    "a string that is longer than the block": "4005",
    "an integer without an end": "7fffffffffffffffffff",
    "Huffman padding of zeros": "40018100" + "00",
    "Huffman padding of a byte": "400182" + "1fff" + "00",
    "the end of strings inside of one": "400184" + "ffffffff" + "00",
  };
  for (const [name, hex] of Object.entries(cases)) {
    assert.equal(decode(new HpackDecoder(10_000), hex), undefined, name);
  }
});

Deno.test("HpackDecoder keeps no more fields than its limit, and stays in step", () => {
  const decoder = new HpackDecoder(100);
  const block = decoder.decode(Buffer.from("82".repeat(50) + "4001610162", "hex"));
  assert.equal(block?.tooLarge, true);
  assert.ok((block?.fields.length ?? 99) <= 2);
  assert.deepEqual(decode(decoder, "be"), ["a: b"]);
});

Deno.test("HpackEncoder writes what HpackDecoder reads", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(1_000_000);
  const fields = [
    { lower: ":status", value: "200" },
    { lower: ":status", value: "418" },
    { lower: "content-type", value: "text/plain; caf\xe9" },
    { lower: "x-long", value: "y".repeat(20_000) },
    { lower: "x-empty", value: "" },
  ];
  for (let round = 0; round < 2; round++) {
    const read = decoder.decode(encoder.encode(fields))?.fields.map(({ lower, value }) => ({ lower, value }));
    assert.deepEqual(read, fields);
  }
});
