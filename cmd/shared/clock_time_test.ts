import assert from "node:assert/strict";
import { clockTime } from "./clock_time.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");

Deno.test("clockTime() is the time of the place, with the date only of another day", async (t) => {
  const cases: readonly [name: string, at: string, offsetMinutes: number, expected: string][] = [
    ["the same day", "2026-03-01T12:30:05.900Z", 0, "12:30:05"],
    ["east of Greenwich", "2026-03-01T12:30:05Z", 330, "18:00:05"],
    ["west of it", "2026-03-01T12:30:05Z", -480, "04:30:05"],
    ["after midnight of UTC, before that of the place", "2026-03-02T00:10:00Z", -60, "23:10:00"],
    ["after midnight of the place", "2026-03-01T23:30:00Z", 60, "2026-03-02 00:30:00"],
    ["a day before", "2026-02-28T23:59:59Z", 0, "2026-02-28 23:59:59"],
  ];
  for (const [name, at, offsetMinutes, expected] of cases) {
    await t.step(name, () => assert.equal(clockTime(Date.parse(at), NOW, offsetMinutes), expected));
  }
  await t.step("this machine's place, unless one is given", () => {
    const local = new Date(NOW + 1_000);
    assert.equal(clockTime(NOW + 1_000, NOW, -local.getTimezoneOffset()), clockTime(NOW + 1_000, NOW));
  });
});
