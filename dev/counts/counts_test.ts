import assert from "node:assert/strict";
import { commentLines, countsOf, docComments, isProduction, isTest } from "./counts.ts";

const TEXT = `/** What a queue needs. */
// A note.
const url = "https://x.test/*"; // beside code
/**
 * A queue of work,
 *   which nobody reads twice.
 */
export class Queue {
  /** Entries at most. */
  readonly max = 5;
}
`;

Deno.test("isProduction() and isTest() part the files of the checkout", () => {
  const production = ["main.ts", "svc/krane/run.ts", "dev/run_suites.ts", "pkg/rpc/tests.ts"];
  const tests = [
    "svc/krane/run_test.ts",
    "svc/ctrl/testing.ts",
    "svc/x/testing_life.ts",
    "tests/bench/row.ts",
  ];
  for (const path of production) assert.deepEqual([isProduction(path), isTest(path)], [true, false], path);
  for (const path of [...tests, "pkg/testkit/ports.ts"]) {
    assert.deepEqual([isProduction(path), isTest(path)], [false, true], path);
  }
  assert.equal(isProduction("proto/gen/ctrl/v1/ctrl_pb.ts"), false);
});

Deno.test("docComments() finds doc comments without their stars", () => {
  assert.deepEqual(docComments(TEXT), [
    "What a queue needs.",
    "A queue of work,\n  which nobody reads twice.",
    "Entries at most.",
  ]);
});

Deno.test("commentLines() counts lines that hold nothing but a comment", () => {
  assert.equal(commentLines(TEXT), 7);
});

Deno.test("countsOf() counts lines and the words of doc comments", () => {
  const short = { path: "b.ts", text: "export {};\n" };
  const counts = countsOf([{ path: "a.ts", text: TEXT }, short, short]);
  assert.deepEqual([counts.files, counts.lines], [3, 13]);
  assert.deepEqual([counts.median, counts.p90, counts.longest], [1, 11, 11]);
  assert.deepEqual([counts.shortShare, counts.commentShare], [1, 7 / 13]);
  assert.deepEqual([counts.questionShare, counts.indefiniteShare, counts.dialectShare], [
    1 / 3,
    1 / 3,
    2 / 3,
  ]);
});
