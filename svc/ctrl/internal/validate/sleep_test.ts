import assert from "node:assert/strict";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { NEVER_SLEEPS, sleepSettings, wireSleep } from "./sleep.ts";

Deno.test("a time to sleep after is kept, never is 0, and what is not set is absent", async (t) => {
  const cases: readonly (readonly [number, { readonly sleepSeconds?: number }])[] = [
    [0, {}],
    [NEVER_SLEEPS, { sleepSeconds: 0 }],
    [60, { sleepSeconds: 60 }],
    [2_592_000, { sleepSeconds: 2_592_000 }],
  ];
  for (const [wire, settings] of cases) {
    await t.step(String(wire), () => {
      assert.deepEqual(sleepSettings("f", wire), settings);
      assert.equal(wireSleep(settings.sleepSeconds), wire, "and back");
    });
  }
});

Deno.test("a time that is too short or too long is refused with its bounds", () => {
  for (const wire of [1, 59, 2_592_001, -2]) {
    assert.throws(
      () => sleepSettings("settings.sleep_seconds", wire),
      (error) =>
        isFault(error, "invalid_argument") &&
        /settings\.sleep_seconds must be between 60 and 2592000, or -1 for never/.test(error.message),
    );
  }
});
