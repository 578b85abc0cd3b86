import assert from "node:assert/strict";
import { FloodMeter } from "./flood.ts";

Deno.test("FloodMeter calls it a flood when 4 MB come within 10 s", async (t) => {
  await t.step("at once", () => {
    const meter = new FloodMeter();
    assert.equal(meter.took(4_000_000, 5), false);
    assert.equal(meter.took(1, 5), true);
  });
  await t.step("line by line", () => {
    const meter = new FloodMeter();
    const flooded = Array.from({ length: 41 }, (_, at) => meter.took(100_000, 100 * at));
    assert.equal(flooded.indexOf(true), 40);
  });
  await t.step("never at a pace that no rotation overtakes", () => {
    const meter = new FloodMeter();
    for (let second = 0; second < 3_600; second++) assert.equal(meter.took(300_000, 1_000 * second), false);
  });
});
