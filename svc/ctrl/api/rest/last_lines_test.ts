import assert from "node:assert/strict";
import type { LogLine } from "../../internal/store/mod.ts";
import type { StreamedLog } from "../../services/deployment/stream_logs.ts";
import { lastLines } from "./last_lines.ts";

function line(text: string): StreamedLog {
  return {
    kind: "line",
    line: {
      instance: "i-1",
      region: "eu",
      timeNs: "1",
      ordinal: 0,
      stream: "stdout",
      text,
    } satisfies LogLine,
  };
}

async function* logs(...texts: readonly string[]): AsyncGenerator<StreamedLog> {
  for (const each of texts) yield line(each);
  yield { kind: "heartbeat" };
}

async function textsOf(bytesMax: number, ...texts: readonly string[]) {
  const { lines, truncated } = await lastLines(logs(...texts), bytesMax);
  return [lines.map(({ text }) => text), truncated];
}

Deno.test("lastLines keeps all lines whose text fits", async () => {
  assert.deepEqual(await textsOf(6, "one", "two"), [["one", "two"], false]);
  assert.deepEqual(await textsOf(6), [[], false]);
});

Deno.test("lastLines leaves out the oldest lines when the text is too long, and says so", async () => {
  assert.deepEqual(await textsOf(6, "one", "two", "three"), [["three"], true]);
  assert.deepEqual(await textsOf(8, "one", "two", "three"), [["two", "three"], true]);
  assert.deepEqual(await textsOf(8, "a long line", "two"), [["two"], true]);
});

Deno.test("lastLines counts bytes, not characters", async () => {
  assert.deepEqual(await textsOf(6, "äöü", "€"), [["€"], true]);
});
