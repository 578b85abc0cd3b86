import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { problemOf } from "./problem.ts";

Deno.test("every failure says what happened, why, and what to do", () => {
  for (const code of Object.values(Code).filter((each) => typeof each === "number")) {
    const problem = problemOf(new ConnectError("the reason", code), "It failed.");
    for (const text of [problem.what, problem.why, problem.next]) assert.match(text, /^[A-Zt].*[.n]$/);
    assert.equal(problem.loggedOut, code === Code.Unauthenticated);
  }
});

Deno.test("the server's own text is shown where it says why, and never that of a broken connection", () => {
  const denied = problemOf(
    new ConnectError("The root key lacks x.", Code.PermissionDenied),
    "Not cancelled.",
  );
  assert.deepEqual([denied.what, denied.why], ["Not cancelled.", "The root key lacks x."]);
  const lost = problemOf(new TypeError("Failed to fetch"), "Not cancelled.");
  assert.equal(lost.what, "The control plane does not answer.");
  assert.ok(!lost.why.includes("fetch"));
});
