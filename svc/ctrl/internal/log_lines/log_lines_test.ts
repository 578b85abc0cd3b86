import assert from "node:assert/strict";
import {
  isAtLeast,
  levelMask,
  LEVELS,
  maskFrom,
  type Probe,
  readLine,
  searchText,
  wordFilterOf,
} from "./mod.ts";

function holds(filter: Uint8Array, probes: readonly Probe[]): boolean {
  return probes.every(({ position, mask }) => ((filter[position % filter.length] ?? 0) & mask) !== 0);
}

Deno.test("readLine() takes level, message and fields from JSON as common loggers write it", () => {
  const cases: readonly [string, ReturnType<typeof readLine>][] = [
    ['{"level":"warn","msg":"slow","ms":812}', { level: "warn", message: "slow", fields: { ms: 812 } }],
    ['{"level":50,"time":1,"msg":"no"}', { level: "error", message: "no", fields: { time: 1 } }],
    [' {"severity":"CRITICAL","message":"x"} ', { level: "fatal", message: "x", fields: {} }],
    ['{"log.level":"info","message":"x","a":{"b":[1]}}', {
      level: "info",
      message: "x",
      fields: { a: { b: [1] } },
    }],
    ['{"level":"loud","message":5}', {
      level: undefined,
      message: undefined,
      fields: { level: "loud", message: 5 },
    }],
    ['{"level":3,"msg":"syslog"}', { level: "error", message: "syslog", fields: {} }],
    ['{"level":"error"', { level: undefined, message: undefined, fields: undefined }],
    ["[1, 2]", { level: undefined, message: undefined, fields: undefined }],
  ];
  for (const [text, expected] of cases) assert.deepEqual(readLine(text), expected, text);
  assert.equal(
    Object.getPrototypeOf(readLine('{"__proto__":{"level":"error"},"msg":"x"}').fields),
    Object.prototype,
  );
});

Deno.test("readLine() takes the level from the beginning of a line of text", () => {
  const cases: readonly [string, string | undefined][] = [
    ["ERROR: no such table", "error"],
    ["error: no such table", "error"],
    ["Error: boom at main.js:1", "error"],
    ["2026-01-02T03:04:05Z INFO started", "info"],
    ["2026-01-02 03:04:05.006  WARN 1 --- [main] c.a.Shop : slow", "warn"],
    ["2026/01/02 03:04:05 [error] 7#7: *1 no live upstreams", "error"],
    ["time=2026-01-02T03:04:05Z level=DEBUG msg=x", "debug"],
    ["E0102 15:04:05.000000 1 main.go:1] failed", "error"],
    ["E, [2026-01-02T03:04:05.000000 #1] ERROR -- : failed", "error"],
    ["\u001b[32mINFO\u001b[0m started", "info"],
    ["npm ERR! code ELIFECYCLE", "error"],
    ["WARNING:root:careful", "warn"],
    ["<notice> x", "info"],
    ["GET /errors 200", undefined],
    ["information is power", undefined],
    ["0 errors, 0 warnings", undefined],
    [`${"x".repeat(200)} ERROR`, undefined],
    ["", undefined],
  ];
  for (const [text, expected] of cases) assert.equal(readLine(text).level, expected, text);
});

Deno.test("a level includes the more severe ones, and no line without a level", () => {
  assert.deepEqual(LEVELS.filter((each) => isAtLeast(each, "warn")), ["warn", "error", "fatal"]);
  assert.equal(isAtLeast(undefined, "trace"), false);
  assert.equal(levelMask(["info", undefined, "info"]) & maskFrom("warn"), 0);
  assert.notEqual(levelMask(["info", "fatal"]) & maskFrom("warn"), 0);
});

Deno.test("a search matches whole words in any case, with the characters between them", () => {
  const cases: readonly [text: string, line: string, expected: boolean][] = [
    ["time", "time-out", true],
    ["time", "timeout", false],
    ["time*", "a TIMEOUT here", true],
    ["time", "timeout at this time", true],
    ["out", "timeout", false],
    ["GET /orders", "get /orders/17", true],
    ["GET /orders", "get /ordersets", false],
    ["connection refused", "Connection refused.", true],
    ["connection refused", "connection was refused", false],
    ["/orders", "GET /orders", true],
    ["\u{1d7d8}", "a\u{1d7d8}", false],
    ["stra\u00dfe", "Die STRA\u00dfE", true],
    ["***", "a *** b", true],
  ];
  for (const [text, line, expected] of cases) {
    const { probes, matches } = searchText(text);
    assert.equal(matches(line), expected, `"${text}" in "${line}"`);
    // The filter passes whatever matches, or a search would miss it.
    if (expected) {
      assert.ok(holds(wordFilterOf([line]), probes), `the filter of "${line}" for "${text}"`);
    }
  }
  assert.deepEqual(searchText("time*").probes, [], "a beginning of a word is in no filter");
});

Deno.test("a filter holds each of its words, and few others, at any size", () => {
  for (const count of [0, 1, 10, 1_000, 20_000]) {
    const words = Array.from({ length: count }, (_, n) => `w${n.toString(36)}`);
    const filter = wordFilterOf(words);
    for (const word of words) assert.ok(holds(filter, searchText(word).probes), word);
    const others = Array.from({ length: 10_000 }, (_, n) => `x${n.toString(36)}`);
    const wrong = others.filter((each) => holds(filter, searchText(each).probes)).length;
    assert.ok(wrong < 100, `${wrong} of 10000 others in a filter of ${count} words`);
  }
  const many = Array.from({ length: 200_000 }, (_, n) => n.toString(36));
  assert.ok(wordFilterOf(many).length <= 32_768);
});

/** Filters are stored: one that was written with another hash would hide lines. */
Deno.test("the bytes of a filter are those that are stored since it exists", () => {
  const filter = wordFilterOf(["GET /orders 200"]);
  assert.equal(Array.from(filter, (each) => each.toString(16).padStart(2, "0")).join(""), "028104362031c081");
});
