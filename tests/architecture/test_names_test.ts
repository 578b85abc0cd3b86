/** A test stands beside the file that it tests, under its name. */
import assert from "node:assert/strict";
import { basename, dirname } from "node:path/posix";
import { sourcePaths } from "./sources.ts";

/** Tests of more than one file, each with its reason. */
const WITHOUT_FILE: Readonly<Record<string, string>> = {
  "pkg/build/connection/endpoints_test.ts": "both kinds of endpoint",
  "pkg/db/failures_test.ts": "the errors of both drivers, through mod.ts",
  "pkg/kube/kubeconfig_oidc_test.ts": "logins by OIDC, through the whole of a kubeconfig",
};

/**
 * `x_test.ts` and `x_<aspect>_test.ts` belong to `x.ts`; a test named after its folder belongs to the folder's `mod.ts`,
 * or to all of its commands.
 */
function hasSubject(test: string, paths: ReadonlySet<string>): boolean {
  const folder = dirname(test);
  const words = basename(test, "_test.ts").split("_");
  if (words.join("_") === basename(folder)) return true;
  return words.some((_, index) => paths.has(`${folder}/${words.slice(0, index + 1).join("_")}.ts`));
}

Deno.test("every test beside the code has the name of a file there, or a reason", async () => {
  const paths = await sourcePaths();
  const known = new Set(paths);
  const tests = paths.filter((path) => /^(cmd|svc|pkg)\/.*_test\.ts$/.test(path));
  assert.ok(tests.length > 100, "the scan finds the tests");
  const alone = tests.filter((path) => !hasSubject(path, known) && WITHOUT_FILE[path] === undefined);
  assert.deepEqual(alone, []);
});

Deno.test("every reason belongs to a test that is there and has no file of its own", async () => {
  const paths = new Set(await sourcePaths());
  const stale = Object.keys(WITHOUT_FILE).filter((path) => !paths.has(path) || hasSubject(path, paths));
  assert.deepEqual(stale, []);
});

Deno.test("hasSubject() knows a test by its file, by an aspect of it, and by its folder", () => {
  const paths = new Set(["pkg/a/lock.ts", "pkg/a/mod.ts"]);
  assert.ok(hasSubject("pkg/a/lock_test.ts", paths));
  assert.ok(hasSubject("pkg/a/lock_two_owners_test.ts", paths));
  assert.ok(hasSubject("pkg/a/a_test.ts", paths));
  assert.ok(!hasSubject("pkg/a/unlock_test.ts", paths));
  assert.ok(!hasSubject("pkg/b/lock_test.ts", paths));
});
