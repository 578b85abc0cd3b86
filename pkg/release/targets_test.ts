import assert from "node:assert/strict";
import { archiveName, targetNamed, TARGETS } from "./mod.ts";

Deno.test("a target is found by its name and by the compiler's name for it", () => {
  for (const target of TARGETS) {
    assert.equal(targetNamed(target.name), target);
    assert.equal(targetNamed(target.triple), target);
  }
  assert.equal(targetNamed("plan9-x64"), undefined);
});

Deno.test("each target has an archive of its own", () => {
  const names = TARGETS.map((target) => archiveName("0.2.0", target));
  assert.equal(new Set(names).size, TARGETS.length);
  assert.ok(names.includes("unkey-0.2.0-linux-x64.tar.gz"));
});
