import assert from "node:assert/strict";
import { CancelledError, TerminalError } from "@restatedev/restate-sdk/fetch";
import { Fault, type FaultCode } from "../fault/mod.ts";
import { codeOfStatus, fromTerminal, STATUS_OF, toTerminal } from "./mod.ts";

const CODES = Object.keys(STATUS_OF) as FaultCode[];

Deno.test("a fault keeps its code and public text through the journal, and loses its internal text", async (t) => {
  for (const code of CODES) {
    await t.step(code, () => {
      const { message, code: errorCode, metadata = {} } = toTerminal(
        new Fault(code, "secret detail", { publicMessage: "what to do" }),
      );
      // The journal keeps these three and no class.
      const restored = fromTerminal(new TerminalError(message, { errorCode, metadata }));
      assert.deepEqual([restored?.code, restored?.publicMessage], [code, "what to do"]);
      assert.ok(!toTerminal(new Fault(code, "secret detail")).message.includes("secret"));
      assert.equal(codeOfStatus(errorCode), code);
    });
  }
});

/** Restate takes 409 for a cancelled invocation. */
Deno.test("no two codes share a status, and none uses Restate's own", () => {
  const statuses = Object.values(STATUS_OF);
  assert.equal(new Set(statuses).size, statuses.length);
  assert.ok(!statuses.includes(409));
});

Deno.test("fromTerminal() restores cancellations, hides texts that are not ours, and leaves the rest alone", () => {
  assert.equal(fromTerminal(new CancelledError())?.code, "cancelled");
  const foreign = fromTerminal(new TerminalError("connect to 10.0.0.1 refused"));
  assert.equal(foreign?.code, "internal");
  assert.ok(!foreign?.publicMessage?.includes("10.0.0.1"));
  assert.equal(fromTerminal(new Error("transient")), undefined);
});
