import assert from "node:assert/strict";
import { idleEndSeconds } from "./idle_end.ts";
import { operatorIdleSeconds } from "./idle_end_config.ts";

const WEEK = 604_800;

Deno.test("idleEndSeconds() takes the environment's own time, and the operator's for preview alone", async (t) => {
  const cases: readonly [string, string, number | null, number, number][] = [
    ["preview without its own", "preview", null, WEEK, WEEK],
    ["preview with its own", "preview", 60, WEEK, 60],
    ["preview that never ends", "preview", 0, WEEK, 0],
    ["preview of an operator who ends nothing", "preview", null, 0, 0],
    ["its own time, whatever the operator says", "preview", 60, 0, 60],
    ["another environment", "staging", null, WEEK, 0],
    ["another environment with its own", "staging", 60, WEEK, 60],
    ["a name that only begins so", "preview-2", null, WEEK, 0],
    ["production", "production", null, WEEK, 0],
    ["production, by a row that was written past the API", "production", 60, WEEK, 0],
  ];
  for (const [name, slug, own, operator, expected] of cases) {
    await t.step(name, () => {
      assert.equal(idleEndSeconds({ slug, idle_end_seconds: own }, operator), expected);
    });
  }
});

Deno.test("the operator's days are seconds, and 0 ends nothing", () => {
  assert.equal(operatorIdleSeconds({ previewIdleDays: 7 }), WEEK);
  assert.equal(operatorIdleSeconds({ previewIdleDays: 0 }), 0);
});
