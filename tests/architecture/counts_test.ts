/** Limits of the sizes and words that `deno task count` prints. */
import assert from "node:assert/strict";
import { countsOf, isProduction, isTest, trackedSources } from "../../dev/counts/counts.ts";

const LINES_MAX = 350;
/** Tests that are being split. Nothing is added here. */
const PENDING: readonly RegExp[] = [
  /\/(kubeconfig_access|logs|explain|database|placement|workflow|run)_test\.ts$/,
  /^svc\/krane\/testing\.ts$/,
];

Deno.test("no file is longer than 350 lines", async () => {
  const long = (await trackedSources())
    .filter(({ path }) => isProduction(path) || isTest(path))
    .filter((source) => countsOf([source]).lines > LINES_MAX)
    .map(({ path }) => path)
    .filter((path) => !PENDING.some((each) => each.test(path)));
  assert.deepEqual(long, []);
});
