import assert from "node:assert/strict";
import { LogBuffer, type LogLine, type LogSource } from "./buffer.ts";

function line(text: string, source: LogSource = "build", origin = "RUN"): LogLine {
  return { source, origin, text, isError: false, atMs: 0, sequence: 0, index: 0 };
}

function texts(lines: readonly LogLine[]): string[] {
  return lines.map(({ text }) => text);
}

const ALL = { source: undefined, text: "" };

Deno.test("a log buffer keeps the newest lines and counts those that went", () => {
  const buffer = new LogBuffer(100);
  for (let n = 0; n < 250; n++) buffer.add([line(String(n))]);
  const kept = buffer.matching(ALL);
  assert.ok(kept.length > 80 && kept.length <= 100, String(kept.length));
  assert.equal(kept.at(-1)?.text, "249");
  assert.equal(buffer.dropped, 250 - buffer.size);
  assert.equal(kept[0]?.text, String(buffer.dropped));
  buffer.add(Array.from({ length: 1_000 }, (_, n) => line(`more ${n}`)));
  assert.ok(buffer.size <= 100);
  assert.equal(buffer.matching(ALL).at(-1)?.text, "more 999");
});

Deno.test("a query finds lines by source and text, also those that come later", () => {
  const buffer = new LogBuffer();
  buffer.add([
    line("Step 1"),
    line("Listening", "app", "shop-1"),
    line("step 2"),
    line("note", "notice", "unkey"),
  ]);
  assert.deepEqual(texts(buffer.matching({ source: undefined, text: "STEP" })), ["Step 1", "step 2"]);
  assert.deepEqual(texts(buffer.matching({ source: "app", text: "" })), ["Listening"]);
  assert.deepEqual(texts(buffer.matching({ source: undefined, text: "shop-1" })), ["Listening"]);
  assert.deepEqual(texts(buffer.matching({ source: "app", text: "step" })), []);
  buffer.add([line("step 3")]);
  assert.deepEqual(texts(buffer.matching({ source: "app", text: "step" })), []);
  assert.deepEqual(texts(buffer.matching({ source: "build", text: "step" })), ["Step 1", "step 2", "step 3"]);
  buffer.add([line("step 4"), line("other")]);
  assert.deepEqual(texts(buffer.matching({ source: "build", text: "step" })).at(-1), "step 4");
  assert.equal(buffer.matching(ALL).length, 7);
});

Deno.test("a query goes on to be right when lines are dropped", () => {
  const buffer = new LogBuffer(10);
  const query = { source: undefined, text: "a" };
  for (let n = 0; n < 30; n++) {
    buffer.add([line(n % 2 === 0 ? `a${n}` : `b${n}`)]);
    const all = buffer.matching(ALL).filter(({ text }) => text.includes("a"));
    assert.deepEqual(buffer.matching(query), all);
  }
});

Deno.test("lines are kept without control characters", () => {
  const buffer = new LogBuffer();
  buffer.add([line("\x1b[31mred\x1b[0m\x07", "app", "a\u202eb")]);
  assert.deepEqual(buffer.matching(ALL).map(({ text, origin }) => [text, origin]), [["red", "ab"]]);
});

Deno.test("100,000 lines are added and searched within a second", () => {
  const buffer = new LogBuffer();
  const startMs = performance.now();
  for (let n = 0; n < 100; n++) {
    buffer.add(Array.from({ length: 1_000 }, (_, k) => line(`line ${n * 1_000 + k}`)));
  }
  assert.equal(buffer.matching({ source: undefined, text: "line 99999" }).length, 1);
  assert.ok(performance.now() - startMs < 10_000);
});
