import assert from "node:assert/strict";
import { parseErrors, parseFailures, repeatedSuites } from "./failures.ts";
import type { Suite } from "./list.ts";

const OUTPUT = `running 3 tests from ./pkg/a_test.ts
starts ...
  one ... FAILED (1ms)
starts ... FAILED (due to 2 failed steps) (5ms)

 ERRORS 

starts ... one => ./pkg/a_test.ts:1:41
error: Error: an app says: x => ./pkg/other_test.ts:1:1

 FAILURES 

starts ... one => ./pkg/a_test.ts:1:41
starts ... two => again => ./pkg/a_test.ts:1:105
stops => ./pkg/a_test.ts:2:6
./pkg/b_test.ts (uncaught error)
../../tmp/units_2_test.ts (uncaught error)

FAILED | 0 passed | 3 failed (2 steps) (408ms)
`;

const UNITS: Suite = {
  name: "units",
  args: ["test", "-A", "--no-check", "pkg"],
  counts: true,
  lane: "first",
};

function failures(count: number) {
  return Array.from({ length: count }, (_, n) => ({ file: `./pkg/${n}_test.ts`, test: "starts" }));
}

Deno.test("parseFailures() lists each failed test once, and errors outside of tests", () => {
  assert.deepEqual(parseFailures(OUTPUT), [
    { file: "./pkg/a_test.ts", test: "starts" },
    { file: "./pkg/a_test.ts", test: "stops" },
    { file: "./pkg/b_test.ts", test: "(uncaught error)" },
    { file: "../../tmp/units_2_test.ts", test: "(uncaught error)" },
  ]);
  assert.deepEqual(parseFailures("ok | 1 passed | 0 failed (4s)"), []);
});

Deno.test("parseErrors() returns the errors without the list after them", () => {
  assert.match(parseErrors(OUTPUT), /^starts \.\.\. one => .*\nerror: Error: an app says: .*$/);
  assert.equal(parseErrors("ok | 1 passed | 0 failed (4s)"), "");
});

Deno.test("repeatedSuites() runs the files of a few failed tests, with the options of their suite", () => {
  const [suite, ...more] = repeatedSuites([{ suite: UNITS, failed: 3, skipped: 0, failures: failures(3) }]);
  assert.deepEqual(more, []);
  assert.equal(suite?.name, "units");
  assert.deepEqual(suite?.args, [
    "test",
    "-A",
    "--no-check",
    "./pkg/0_test.ts",
    "./pkg/1_test.ts",
    "./pkg/2_test.ts",
  ]);
});

Deno.test("repeatedSuites() runs nothing again", async (t) => {
  for (
    const [why, failed] of [
      ["nothing failed", []],
      ["too many files failed", [{ suite: UNITS, failed: 4, skipped: 0, failures: failures(4) }]],
      ["the process crashed", [{ suite: UNITS, failed: 1, skipped: 0, failures: [] }]],
      ["a failure has no name", [{ suite: UNITS, failed: 2, skipped: 0, failures: failures(1) }]],
      ["a test was skipped", [{ suite: UNITS, failed: 1, skipped: 1, failures: failures(1) }]],
      ["another suite crashed", [
        { suite: UNITS, failed: 1, skipped: 0, failures: failures(1) },
        { suite: { ...UNITS, name: "lint", counts: false }, failed: 1, skipped: 0, failures: [] },
      ]],
    ] as const
  ) {
    await t.step(`when ${why}`, () => assert.deepEqual(repeatedSuites(failed), []));
  }
});
