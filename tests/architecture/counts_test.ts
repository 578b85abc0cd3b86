/** Limits of the sizes and words that `deno task count` prints. */
import assert from "node:assert/strict";
import { countsOf, isProduction, isTest, trackedSources } from "../../dev/counts/counts.ts";

const LINES_MAX = 350;

Deno.test("no file is longer than 350 lines", async () => {
  const long = (await trackedSources())
    .filter(({ path }) => isProduction(path) || isTest(path))
    .filter((source) => countsOf([source]).lines > LINES_MAX)
    .map(({ path }) => path);
  assert.deepEqual(long, []);
});

/** Of all doc comments; never raised. */
const DIALECT_SHARE_MAX = 0.02;

Deno.test("few doc comments begin with a question word or have an indefinite person for a subject", async () => {
  const sources = await trackedSources();
  const share = (kind: (path: string) => boolean): number =>
    countsOf(sources.filter(({ path }) => kind(path))).dialectShare;
  assert.ok(share(isProduction) <= DIALECT_SHARE_MAX, `production: ${share(isProduction)}`);
  assert.ok(share(isTest) <= DIALECT_SHARE_MAX, `tests: ${share(isTest)}`);
});

/** Lines of tests for each line of production code; never lowered. */
const TEST_SHARE_MIN = 1;

Deno.test("there are enough lines of tests for the lines of production code", async () => {
  const sources = await trackedSources();
  const lines = (kind: (path: string) => boolean): number =>
    countsOf(sources.filter(({ path }) => kind(path))).lines;
  const share = lines(isTest) / lines(isProduction);
  assert.ok(share >= TEST_SHARE_MIN, `test : code ${share.toFixed(2)}`);
});
