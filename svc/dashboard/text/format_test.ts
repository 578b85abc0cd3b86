import assert from "node:assert/strict";
import {
  age,
  byteText,
  count,
  decimal,
  duration,
  firstLine,
  plain,
  safeUrl,
  shellWord,
  shortSha,
} from "./format.ts";

Deno.test("times are shown in the unit that fits", () => {
  const now = 1_800_000_000_000;
  const ages = [0, 4_000, 61_000, 3 * 3_600_000, 50 * 3_600_000].map((ms) => age(now - ms, now));
  assert.deepEqual(ages, ["0 s", "4 s", "1 min", "3 h", "2 d"]);
  assert.equal(age(now + 5_000, now), "0 s", "a clock that is ahead");
  const durations = [0, 840.4, 8_240, 59_940, 185_000, 300_000, 7_200_000, 7_260_000].map(duration);
  assert.deepEqual(durations, [
    "0 ms",
    "840 ms",
    "8.2 s",
    "59.9 s",
    "3 min 5 s",
    "5 min",
    "2 h",
    "2 h 1 min",
  ]);
  assert.deepEqual([count(1, "line"), count(0, "line"), count(2, "line")], ["1 line", "0 lines", "2 lines"]);
});

Deno.test("names of commits are cut to what is said first", () => {
  assert.equal(shortSha("0123456789abcdef"), "0123456");
  assert.equal(firstLine("fix: cart\n\nlong story"), "fix: cart");
  assert.equal(firstLine(""), "");
});

Deno.test("foreign text loses escape sequences, control characters and turned directions", () => {
  const cases: readonly (readonly [given: string, shown: string])[] = [
    ["\x1b[1;31mred\x1b[0m", "red"],
    ["\x1b]8;;http://evil.example\x07link\x1b]8;;\x07", "link"],
    ["\x1b]0;title\x1b\\text", "text"],
    ["a\rb\x00c\x08d", "abcd"],
    ["tab\tstays", "tab\tstays"],
    ["user\u202egnp.exe", "usergnp.exe"],
    ["\u2066a\u2069\u200fb", "ab"],
    ["<b>&amp;</b>", "<b>&amp;</b>"],
    ["Grüße 👋", "Grüße 👋"],
    ["\x9b31mc1", "31mc1"],
  ];
  for (const [given, shown] of cases) assert.equal(plain(given), shown);
  assert.equal(plain("x".repeat(10_000)).length, 4_001);
  const startMs = performance.now();
  plain("\x1b]".repeat(100_000));
  plain("\x1b[".repeat(100_000));
  assert.ok(performance.now() - startMs < 2_000);
});

Deno.test("only http and https are links", () => {
  assert.equal(safeUrl("http://shop.localhost:7070"), "http://shop.localhost:7070/");
  assert.equal(safeUrl("https://a.example/x?y"), "https://a.example/x?y");
  for (
    const bad of [
      "javascript:alert(1)",
      "data:text/html,x",
      "",
      "//a",
      "/x",
      "JaVaScRiPt:1",
      "\njavascript:1",
    ]
  ) {
    assert.equal(safeUrl(bad), undefined, bad);
  }
});

Deno.test("numbers have the digits that say something", () => {
  assert.deepEqual([0, 0.251, 12.34, 140.6].map(decimal), ["0", "0.25", "12.3", "141"]);
  assert.deepEqual([0, 512, 1_234_567].map(byteText), ["0 B", "512 B", "1.2 MB"]);
});

Deno.test("a word of a command is quoted where a shell would change it", () => {
  assert.deepEqual(["eu-1", "a b", "it's", "*", ""].map(shellWord), [
    "eu-1",
    "'a b'",
    String.raw`'it'\''s'`,
    "'*'",
    "''",
  ]);
});
