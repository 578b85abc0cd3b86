import assert from "node:assert/strict";
import { afterRepeat, judged, parseSkipped, parseSummary, renderOutcomes, totalOf } from "./summary.ts";

const CASES: readonly { line: string; want: ReturnType<typeof parseSummary> }[] = [
  { line: "ok | 12 passed | 0 failed (4s)", want: { passed: 12, failed: 0, skipped: 0 } },
  { line: "ok | 12 passed (3 steps) | 0 failed (1m2s)", want: { passed: 12, failed: 0, skipped: 0 } },
  {
    line: "FAILED | 1 passed | 2 failed (1 step) | 3 ignored (1h2m3s)",
    want: { passed: 1, failed: 2, skipped: 3 },
  },
  {
    line: "ok | 1 passed (1 step) | 0 failed | 0 ignored (1 step) (54ms)",
    want: { passed: 1, failed: 0, skipped: 1 },
  },
  {
    line: "ok | 7 passed (10 steps) | 0 failed | 2 ignored (5 steps) | 4 measured | 6 filtered out (10ms)",
    want: { passed: 7, failed: 0, skipped: 7 },
  },
  { line: "error: No test modules found", want: undefined },
  { line: "an app says: ok | 1 passed | 0 failed (4s)", want: undefined },
  { line: "ok | 1 passed | 0 failed", want: undefined },
];

Deno.test("parseSummary() reads every form of deno's last line", async (t) => {
  for (const { line, want } of CASES) {
    await t.step(line, () => assert.deepEqual(parseSummary(`running 1 test\n\n${line}\n\n`), want));
  }
});

Deno.test("parseSummary() takes the last summary, when a test printed one of its own", () => {
  const output = "ok | 99 passed | 0 failed (1s)\n\nok | 1 passed | 0 failed | 1 ignored (4s)\n";
  assert.deepEqual(parseSummary(output), { passed: 1, failed: 0, skipped: 1 });
});

Deno.test("parseSkipped() finds the names of ignored tests and steps", () => {
  const output = `running 3 tests from ./pkg/a_test.ts
starts ... ok (3ms)
stops (no Docker: install it) ... ignored (0ms)
the program ...
  executable: starts ... ignored (0ms)
  bundle: starts ... ok (1ms)
the program ... ok (5ms)
ok | 2 passed (1 step) | 0 failed | 1 ignored (1 step) (4s)`;
  assert.deepEqual(parseSkipped(output), ["stops (no Docker: install it)", "executable: starts"]);
});

Deno.test("skipped tests are failed ones where all must run, and stay skipped elsewhere", () => {
  const counts = { passed: 1, failed: 2, skipped: 3 };
  assert.deepEqual(judged(counts, true), { passed: 1, failed: 5, skipped: 0 });
  assert.deepEqual(judged(counts, false), counts);
});

Deno.test("renderOutcomes() has a row for each suite, and totalOf() the sums", () => {
  const outcomes = [
    {
      suite: "units",
      seconds: 61.4,
      passed: 812,
      failed: 0,
      skipped: 0,
      names: [],
      failures: [],
      errors: "",
    },
    {
      suite: "end to end",
      seconds: 9.6,
      passed: 3,
      failed: 1,
      skipped: 2,
      names: ["a", "b"],
      failures: [],
      errors: "",
    },
  ];
  assert.equal(
    renderOutcomes(outcomes),
    [
      "suite       seconds  passed  failed  skipped",
      "units            61     812       0        0",
      "end to end       10       3       1        2",
    ].join("\n"),
  );
  assert.deepEqual(totalOf(outcomes), { passed: 815, failed: 1, skipped: 2 });
});

Deno.test("a suite whose failed tests pass when they run again has passed, any other keeps its failures", () => {
  const first = {
    suite: "units",
    seconds: 1,
    passed: 5,
    failed: 2,
    skipped: 0,
    names: [],
    failures: [],
    errors: "",
  };
  const passed = { passed: 3, failed: 0, skipped: 0 };
  assert.deepEqual(afterRepeat(first, passed), { ...first, passed: 7, failed: 0 });
  assert.deepEqual(afterRepeat(first, { ...passed, failed: 1 }), first);
  assert.deepEqual(afterRepeat(first, { ...passed, skipped: 1 }), first);
});
