import assert from "node:assert/strict";
import { describeError, Fault, publicFault, requestIdOf } from "./mod.ts";

Deno.test("requestIdOf() finds the id of the call below the errors that explain it, and none without a call", () => {
  const call = new Fault("not_found", "no such thing", { requestId: "req_1" });
  assert.equal(requestIdOf(call), "req_1");
  const explained = new Error("It failed.", {
    cause: publicFault("not_found", "There is no such thing.", call),
  });
  assert.equal(requestIdOf(explained), "req_1");
  assert.equal(
    requestIdOf(publicFault("unavailable", "Nothing answers.", new TypeError("refused"))),
    undefined,
  );
  assert.equal(requestIdOf("a text"), undefined);
});

Deno.test("describeError() names every cause, and comes to an end when causes form a circle", () => {
  const inner = new TypeError("refused");
  const outer = publicFault("unavailable", "Nothing answers.", inner);
  assert.equal(describeError(outer), "unavailable: Nothing answers. <- TypeError: refused");
  inner.cause = outer;
  assert.equal(describeError(outer).split(" <- ").length, 8);
});
