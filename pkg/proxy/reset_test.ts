import assert from "node:assert/strict";
import { reset } from "./reset.ts";

Deno.test("reset() resets a connection, and closes it where the runtime has no reset", () => {
  const calls: string[] = [];
  const destroy = (): void => void calls.push("close");
  reset({ destroy, resetAndDestroy: () => void calls.push("reset") });
  reset({ destroy });
  assert.deepEqual(calls, ["reset", "close"]);
});
