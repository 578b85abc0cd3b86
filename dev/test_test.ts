import assert from "node:assert/strict";
import { parseSkipped, parseSummary } from "./test.ts";

Deno.test("parseSummary() reads what deno prints at the end", () => {
  assert.deepEqual(parseSummary("ok | 12 passed (3 steps) | 0 failed (4s)"), {
    passed: 12,
    failed: 0,
    skipped: 0,
  });
  assert.deepEqual(
    parseSummary("FAILED | 1 passed | 2 failed (1 step) | 3 ignored (1s)"),
    { passed: 1, failed: 2, skipped: 3 },
  );
  assert.equal(parseSummary("error: No test modules found"), undefined);
});

Deno.test("parseSkipped() reads the names of the tests that deno ignored", () => {
  const output = `running 3 tests from ./pkg/a_test.ts
starts ... ok (3ms)
stops (no Docker: install it) ... ignored (0ms)
ok | 1 passed | 0 failed | 1 ignored (4s)`;
  assert.deepEqual(parseSkipped(output), ["stops (no Docker: install it)"]);
});
