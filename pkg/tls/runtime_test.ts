import assert from "node:assert/strict";
import { serverRuntimeProblem } from "./runtime.ts";

/** On an older runtime the port would answer in clear text. */
Deno.test("a port gets no TLS from a runtime that cannot give it, and the text names the version that can", () => {
  assert.match(serverRuntimeProblem("2.6.10") ?? "", /compiled with Deno 2\.6\.10, .*: Deno 2\.9 is needed/);
  assert.match(serverRuntimeProblem("1.46.3") ?? "", /Deno 1\.46\.3.*a proxy in front/);
  for (const version of ["2.9.0", "2.9.6", "2.10.0", "3.0.0", Deno.version.deno]) {
    assert.equal(serverRuntimeProblem(version), undefined, version);
  }
});
