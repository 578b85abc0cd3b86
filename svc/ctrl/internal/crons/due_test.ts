import assert from "node:assert/strict";
import { parseSchedule, type Schedule } from "../../../../pkg/schedule/mod.ts";
import { planDue } from "./due.ts";

const HOUR_MS = 3_600_000;
const MIDNIGHT = Date.parse("2026-03-02T00:00Z");

function open(text: string): Schedule {
  const parsed = parseSchedule(text, "UTC");
  assert.ok(parsed.kind === "schedule");
  return parsed;
}

/** Hours after midnight. */
const at = (hours: number): number => MIDNIGHT + hours * HOUR_MS;

const CASES: readonly (readonly [
  name: string,
  schedule: string,
  plannedAt: number,
  nowMs: number,
  expected: ReturnType<typeof planDue>,
])[] = [
  ["a time that is due now", "@hourly", at(1), at(1), { runAt: at(1), missed: undefined, nextAt: at(2) }],
  ["a time that is late within the bound", "@daily", at(0), at(1), {
    runAt: at(0),
    missed: undefined,
    nextAt: at(24),
  }],
  ["a time that is over for too long", "@daily", at(0), at(1) + 1, {
    runAt: undefined,
    missed: { firstAt: at(0), lastAt: at(0), times: 1 },
    nextAt: at(24),
  }],
  ["several times make one run of the latest", "@hourly", at(1), at(4) + 1, {
    runAt: at(4),
    missed: { firstAt: at(1), lastAt: at(3), times: 3 },
    nextAt: at(5),
  }],
  ["several times within the bound make one run, too", "*/30 * * * *", at(1), at(2), {
    runAt: at(2),
    missed: { firstAt: at(1), lastAt: at(1.5), times: 2 },
    nextAt: at(2.5),
  }],
  ["many missed times are counted up to a thousand", "* * * * *", at(0), at(100), {
    runAt: at(100),
    missed: { firstAt: at(0), lastAt: at(0) + 999 * 60_000, times: 1_000 },
    nextAt: at(100) + 60_000,
  }],
];

Deno.test("planDue() makes one run of the times that are over, and counts the others", async (t) => {
  for (const [name, schedule, plannedAt, nowMs, expected] of CASES) {
    await t.step(name, () => assert.deepEqual(planDue(open(schedule), plannedAt, nowMs), expected));
  }
});
