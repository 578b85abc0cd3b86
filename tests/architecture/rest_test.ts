import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";

const ROOT = new URL("../../", import.meta.url).pathname;
/** They send what no route takes: guesses of credentials. */
const OTHERS = ["svc/ctrl/api/guesses_test.ts"];

/** The lines that call a route past the check of its answer. */
function uncheckedCalls(text: string): readonly string[] {
  return text.split("\n").filter((line) =>
    /\bfetch\(.*\/v2\/deploy\./.test(line.replace("checkedFetch(", ""))
  );
}

Deno.test("a call of a REST route that is not checked is found", () => {
  assert.equal(uncheckedCalls("await fetch(`${api.url}/v2/deploy.cancel`, {").length, 1);
  assert.equal(uncheckedCalls("await checkedFetch(`${api.url}/v2/deploy.cancel`, {").length, 0);
});

Deno.test("tests hold every answer of a REST route against the OpenAPI document", () => {
  const { stdout } = spawnSync("git", ["ls-files", "*_test.ts"], { cwd: ROOT, encoding: "utf8" });
  const files = stdout.split("\n").filter((path) => path !== "" && !OTHERS.includes(path));
  assert.ok(files.length > 100);
  const found = files.filter((path) =>
    path !== "tests/architecture/rest_test.ts" &&
    uncheckedCalls(Deno.readTextFileSync(ROOT + path)).length > 0
  );
  assert.deepEqual(found, []);
});
