import assert from "node:assert/strict";
import { runtimeProblem } from "./runtime.ts";

Deno.test("runtimeProblem() names the version of Deno that cannot build, and the one that can", () => {
  assert.match(runtimeProblem("2.6.10") ?? "", /compiled with Deno 2\.6\.10, .*: Deno 2\.9 is needed/);
  assert.match(runtimeProblem("1.46.3") ?? "", /Deno 1\.46\.3/);
  for (const version of ["2.9.0", "2.9.6", "2.10.0", "3.0.0"]) {
    assert.equal(runtimeProblem(version), undefined, version);
  }
});
