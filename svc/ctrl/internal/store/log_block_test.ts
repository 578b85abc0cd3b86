import assert from "node:assert/strict";
import { cutIntoBlocks, decodeBlock, encodeBlock, type LogLine, timeNsText } from "./mod.ts";

const line = (ordinal: number, text: string): LogLine => ({
  instance: "i",
  region: "r",
  timeNs: timeNsText(7n),
  ordinal,
  stream: ordinal % 2 === 0 ? "stdout" : "stderr",
  text,
});

Deno.test("decodeBlock() gives what encodeBlock() was given", () => {
  const lines = [line(0, "a\0b"), line(1, ""), line(2, "\u{1f600}".repeat(1_000))];
  const body = encodeBlock(lines);
  assert.deepEqual(decodeBlock({ instance: "i", region: "r", body }), lines);
  assert.ok(body.length < 200, "repeated text is compressed");
});

Deno.test("cutIntoBlocks() bounds the text of a block, and gives a longer line its own", () => {
  const lines = [200_000, 60_000, 10_000, 400_000, 1].map((length, n) => line(n, "x".repeat(length)));
  assert.deepEqual(
    cutIntoBlocks(lines).map((block) => block.map(({ ordinal }) => ordinal)),
    [[0, 1], [2], [3], [4]],
  );
  assert.deepEqual(cutIntoBlocks([]), []);
});

Deno.test("timeNsText() sorts as the times do", () => {
  const times = [-5n, 0n, 9n, 10n, 1_760_000_000_000_000_000n, 99_999_999_999_999_999_999n];
  const texts = times.map(timeNsText);
  assert.deepEqual(texts.toSorted(), texts);
});
