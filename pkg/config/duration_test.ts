import assert from "node:assert/strict";
import { durationSchema, durationText } from "./mod.ts";

const HOUR = 3_600_000;
const schema = durationSchema({ fallback: "30m", minMs: 1_000, maxMs: 24 * HOUR });

Deno.test("durationSchema() reads hours, minutes and seconds, and durationText() writes them back", () => {
  const cases = { "90s": 90_000, "30m": 1_800_000, "2h": 2 * HOUR, "1h30m": 1.5 * HOUR, "1h1m1s": 3_661_000 };
  for (const [text, ms] of Object.entries(cases)) {
    assert.equal(schema.parse(text), ms);
    assert.equal(schema.parse(durationText(ms)), ms);
  }
  assert.equal(schema.parse(undefined), HOUR / 2);
  assert.deepEqual([90_000, 3_661_000, 0].map(durationText), ["1m30s", "1h1m1s", "0s"]);
});

Deno.test("durationSchema() refuses other texts and other lengths, with an example and the bounds", () => {
  for (const text of ["", "30", "m", "-1s", "1.5h", "30M", "5m1h", "1d", "0s", "25h", "9".repeat(30) + "s"]) {
    const { error } = schema.safeParse(text);
    assert.match(error?.issues[0]?.message ?? "", /like 90s, 30m or 1h30m, from 1s to 24h$/, text);
  }
});
