import assert from "node:assert/strict";
import type { LogLine } from "../store/mod.ts";
import { LogBuffer } from "./buffer.ts";

function linesOf(...texts: readonly string[]): LogLine[] {
  return texts.map((text) => ({
    instance: "a",
    timeNs: "1",
    ordinal: 0,
    region: "local",
    stream: "stdout",
    text,
  }));
}

const texts = (lines: readonly LogLine[] | undefined) => lines?.map(({ text }) => text);

Deno.test("LogBuffer keeps the last read whole, and as many earlier lines as fit", () => {
  const buffer = new LogBuffer({ linesMax: 4, charsMax: 10 });
  buffer.append(linesOf("1", "2", "3"));
  buffer.append(linesOf("4", "5"));
  assert.deepEqual([buffer.end, buffer.take(0, 9), texts(buffer.take(1, 9))], [5, undefined, [
    "2",
    "3",
    "4",
    "5",
  ]]);
  buffer.append(linesOf("6666", "7777"));
  assert.deepEqual([texts(buffer.take(2, 9)), buffer.take(0, 9)], [undefined, undefined]);
  assert.deepEqual(texts(buffer.take(3, 9)), ["4", "5", "6666", "7777"]);
  buffer.append(linesOf("more than fits"));
  assert.deepEqual([buffer.end, buffer.take(6, 9), texts(buffer.take(7, 9))], [8, undefined, [
    "more than fits",
  ]]);
});

Deno.test("LogBuffer gives the same line for a position as long as it is kept", () => {
  const buffer = new LogBuffer({ linesMax: 100, charsMax: 100 });
  buffer.append(linesOf("1", "2", "3", "4"));
  buffer.forget(1);
  buffer.forget(0);
  assert.deepEqual([texts(buffer.take(1, 2)), texts(buffer.take(3, 2))], [["2", "3"], ["4"]]);
  assert.deepEqual([buffer.take(0, 1), texts(buffer.take(4, 1))], [undefined, []]);
  buffer.forget(buffer.end);
  buffer.append(linesOf("5"));
  assert.deepEqual([buffer.end, texts(buffer.take(4, 9)), buffer.take(3, 9)], [5, ["5"], undefined]);
});
