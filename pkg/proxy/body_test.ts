import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { bodyDecoder, writePiece } from "./body.ts";

const CHUNKED = "5;ext=1\r\nhello\r\n00C\r\n brave world\r\n0\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n";

/** A body arrives in any pieces: where it is cut must not matter. */
Deno.test("a chunked body is the same wherever it is cut", () => {
  for (let first = 0; first <= CHUNKED.length; first++) {
    for (let second = first; second <= CHUNKED.length; second += 3) {
      const decoder = bodyDecoder({ kind: "chunked" });
      let payload = "";
      for (const part of [CHUNKED.slice(0, first), CHUNKED.slice(first, second), CHUNKED.slice(second)]) {
        const bytes = Buffer.from(part);
        const slices: Buffer[] = [];
        assert.equal(decoder.push(bytes, 0, slices), bytes.length);
        payload += Buffer.concat(slices).toString();
      }
      assert.equal(payload, "hello brave world");
      assert.equal(decoder.done, true);
      assert.deepEqual(decoder.trailers.map(({ name, value }) => [name, value]), [["X-Sum", "1"], [
        "X-Two",
        "2",
      ]]);
    }
  }
});

Deno.test("a body ends where its framing says, and the next message begins there", () => {
  for (
    const { framing, text } of [
      { framing: { kind: "chunked" }, text: CHUNKED },
      { framing: { kind: "length", bytes: 5 }, text: "hello" },
      { framing: { kind: "none" }, text: "" },
    ] as const
  ) {
    const decoder = bodyDecoder(framing);
    assert.equal(decoder.push(Buffer.from(`${text}GET / HTTP/1.1`), 0, []), text.length);
    assert.equal(decoder.done, true);
  }
});

Deno.test("a body until the end of the connection is never done", () => {
  const decoder = bodyDecoder({ kind: "close" });
  assert.equal(decoder.push(Buffer.from("hello"), 0, []), 5);
  assert.equal(decoder.done, false);
});

Deno.test("trailers that are too long are refused", () => {
  const decoder = bodyDecoder({ kind: "chunked" });
  assert.equal(decoder.push(Buffer.from(`0\r\nX: ${"y".repeat(20_000)}`), 0, []), -1);
});

Deno.test("writePiece() writes heads byte by byte, copies borrowed memory, and frames chunks", () => {
  for (const size of [0, 3, 20_000, 200_000]) {
    const written: Buffer[] = [];
    const sink = { write: (bytes: Buffer): boolean => written.push(bytes) > 0 };
    const body = Buffer.alloc(size, "b");
    writePiece(sink, {
      head: "H: \xe9\r\n\r\n",
      slices: [body],
      borrowed: true,
      chunked: true,
      tail: "0\r\n\r\n",
    });
    body.fill("x");
    const framed = size === 0 ? "" : `${size.toString(16)}\r\n${"b".repeat(size)}\r\n`;
    assert.equal(Buffer.concat(written).toString("latin1"), `H: \xe9\r\n\r\n${framed}0\r\n\r\n`);
  }
});
