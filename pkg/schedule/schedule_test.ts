import assert from "node:assert/strict";
import { parseSchedule, type Schedule } from "./mod.ts";

function open(text: string, zone = "UTC"): Schedule {
  const parsed = parseSchedule(text, zone);
  assert.ok(parsed.kind === "schedule", text);
  return parsed;
}

/** The times after `from`, in UTC. */
function times(text: string, zone: string, from: string, count: number): readonly string[] {
  const schedule = open(text, zone);
  let atMs: number | undefined = Date.parse(from);
  return Array.from({ length: count }, () => {
    atMs = schedule.next(atMs ?? Number.NaN);
    return atMs === undefined ? "never" : new Date(atMs).toISOString().replace(":00.000Z", "Z");
  });
}

const PLAIN: readonly (readonly [text: string, from: string, expected: readonly string[]])[] = [
  ["* * * * *", "2026-03-01T10:00:59.999Z", ["2026-03-01T10:01Z", "2026-03-01T10:02Z"]],
  ["* * * * *", "2026-03-01T10:01:00Z", ["2026-03-01T10:02Z"]],
  ["*/15 * * * *", "2026-03-01T10:01:00Z", ["2026-03-01T10:15Z", "2026-03-01T10:30Z"]],
  ["5,35 9-17/4 * * *", "2026-03-01T09:35:00Z", ["2026-03-01T13:05Z", "2026-03-01T13:35Z"]],
  ["0 3 * * 1-5", "2026-03-06T03:00:00Z", ["2026-03-09T03:00Z"]],
  ["0 3 * * sun", "2026-03-02T00:00:00Z", ["2026-03-08T03:00Z"]],
  ["0 3 * * 7", "2026-03-02T00:00:00Z", ["2026-03-08T03:00Z"]],
  // A day of the month or of the week, as every cron has it.
  ["0 0 13 * fri", "2026-03-01T00:00:00Z", ["2026-03-06T00:00Z", "2026-03-13T00:00Z", "2026-03-20T00:00Z"]],
  ["0 0 31 * *", "2026-01-31T00:00:00Z", ["2026-03-31T00:00Z"]],
  ["0 0 29 feb *", "2026-01-01T00:00:00Z", ["2028-02-29T00:00Z", "2032-02-29T00:00Z"]],
  ["@hourly", "2026-03-01T10:00:00Z", ["2026-03-01T11:00Z"]],
  ["@daily", "2026-03-01T10:00:00Z", ["2026-03-02T00:00Z"]],
  ["@weekly", "2026-03-02T10:00:00Z", ["2026-03-08T00:00Z"]],
  ["@monthly", "2026-03-02T10:00:00Z", ["2026-04-01T00:00Z"]],
  ["@yearly", "2026-03-02T10:00:00Z", ["2027-01-01T00:00Z"]],
];

Deno.test("a schedule names the times after an instant", async (t) => {
  for (const [text, from, expected] of PLAIN) {
    await t.step(`${text} after ${from}`, () => {
      assert.deepEqual(times(text, "UTC", from, expected.length), expected);
    });
  }
});

/** Clocks in New York: 2026-03-08 at 07:00 UTC from 02:00 to 03:00, 2026-11-01 at 06:00 UTC from 02:00 to 01:00. */
const CHANGES: readonly (readonly [
  name: string,
  text: string,
  zone: string,
  from: string,
  expected: readonly string[],
])[] = [
  [
    "a daily time that clocks pass over comes at the change",
    "30 2 * * *",
    "America/New_York",
    "2026-03-07T12:00Z",
    [
      "2026-03-08T07:00Z",
      "2026-03-09T06:30Z",
    ],
  ],
  ["several of them come once", "*/10 2 * * *", "America/New_York", "2026-03-08T06:59Z", [
    "2026-03-08T07:00Z",
    "2026-03-09T06:00Z",
  ]],
  ["one at the end of the gap is not repeated", "0 2,3 * * *", "America/New_York", "2026-03-08T06:00Z", [
    "2026-03-08T07:00Z",
    "2026-03-09T06:00Z",
  ]],
  [
    "a daily time that is shown twice comes the first time",
    "30 1 * * *",
    "America/New_York",
    "2026-10-31T12:00Z",
    [
      "2026-11-01T05:30Z",
      "2026-11-02T06:30Z",
    ],
  ],
  ["the second time is not taken for a new one", "30 1 * * *", "America/New_York", "2026-11-01T06:10Z", [
    "2026-11-02T06:30Z",
  ]],
  ["every second hour goes by the clock", "0 */2 * * *", "America/New_York", "2026-03-08T04:00Z", [
    "2026-03-08T05:00Z",
    "2026-03-08T07:00Z",
    "2026-03-08T08:00Z",
  ]],
  ["every hour leaves the gap out", "30 * * * *", "America/New_York", "2026-03-08T06:00Z", [
    "2026-03-08T06:30Z",
    "2026-03-08T07:30Z",
  ]],
  ["every hour takes both shown hours", "30 * * * *", "America/New_York", "2026-11-01T04:45Z", [
    "2026-11-01T05:30Z",
    "2026-11-01T06:30Z",
    "2026-11-01T07:30Z",
  ]],
  [
    "every quarter goes on through both shown hours",
    "*/15 * * * *",
    "America/New_York",
    "2026-11-01T05:30Z",
    [
      "2026-11-01T05:45Z",
      "2026-11-01T06:00Z",
      "2026-11-01T06:15Z",
    ],
  ],
  ["every quarter goes on over the gap", "*/15 * * * *", "America/New_York", "2026-03-08T06:45Z", [
    "2026-03-08T07:00Z",
    "2026-03-08T07:15Z",
  ]],
  ["half an hour of change", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00Z", [
    "2026-10-03T15:30Z",
    "2026-10-04T15:15Z",
  ]],
  ["midnight that never comes", "0 0 * * *", "Africa/Cairo", "2026-04-23T12:00Z", [
    "2026-04-23T22:00Z",
    "2026-04-24T21:00Z",
  ]],
  ["a day that never came", "0 12 * * *", "Pacific/Apia", "2011-12-29T12:00Z", [
    "2011-12-29T22:00Z",
    "2011-12-30T10:00Z",
    "2011-12-30T22:00Z",
  ]],
  ["every hour of one day, in a year", "0 * 1 1 *", "Europe/Berlin", "2026-01-01T22:30Z", [
    "2026-12-31T23:00Z",
  ]],
  ["a yearly time of another offset than now", "0 12 1 7 *", "Europe/Berlin", "2026-12-01T00:00Z", [
    "2027-07-01T10:00Z",
  ]],
];

Deno.test("a change of clocks loses no time, and repeats none", async (t) => {
  for (const [name, text, zone, from, expected] of CHANGES) {
    await t.step(`${name}: ${text} in ${zone}`, () => {
      assert.deepEqual(times(text, zone, from, expected.length), expected);
    });
  }
});

/** Days on which clocks are set, there and back. */
const DAYS: Readonly<Record<string, readonly string[]>> = {
  "America/New_York": ["2026-03-08", "2026-11-01"],
  "Australia/Lord_Howe": ["2026-04-04", "2026-10-03"],
  "Africa/Casablanca": ["2026-02-15", "2026-03-22"],
};

Deno.test("a schedule of every half hour goes on by elapsed time on days on which clocks are set", async (t) => {
  for (const [zone, days] of Object.entries(DAYS)) {
    for (const day of days) {
      await t.step(`${zone} on ${day}`, () => {
        const schedule = open("*/30 * * * *", zone);
        const startMs = Date.parse(`${day}T00:00Z`) - 12 * 3_600_000;
        for (let atMs = startMs; atMs < startMs + 48 * 3_600_000; atMs += 1_800_000) {
          assert.equal(schedule.next(atMs), atMs + 1_800_000, new Date(atMs).toISOString());
        }
      });
    }
  }
});

const WRONG: readonly (readonly [text: string, zone: string, expected: RegExp])[] = [
  ["", "UTC", /five fields/],
  ["* * * *", "UTC", /five fields/],
  ["0 * * * * *", "UTC", /five fields/],
  ["60 * * * *", "UTC", /five fields.*: .*60/],
  ["* 24 * * *", "UTC", /five fields/],
  ["*/0 * * * *", "UTC", /five fields/],
  ["5-1 * * * *", "UTC", /five fields/],
  ["0 0 L * *", "UTC", /five fields/],
  ["0 0 15W * *", "UTC", /five fields/],
  ["? * * * *", "UTC", /five fields/],
  ["@reboot", "UTC", /five fields/],
  ["0 0 * * funday", "UTC", /five fields/],
  ["0 0 30 2 *", "UTC", /never comes/],
  ["* * * * *".padStart(200), "UTC", /^$/],
  [`0 ${"1,".repeat(60)}1 * * *`, "UTC", /at most 100 characters/],
  ["@daily", "Mars/Olympus", /time zone "Mars\/Olympus", which is not known/],
  ["@daily", "+02:00", /time zone/],
  ["@daily", "", /time zone/],
];

Deno.test("an expression that is wrong is refused with the reason", async (t) => {
  for (const [text, zone, expected] of WRONG) {
    await t.step(`${JSON.stringify(text)} in "${zone}"`, () => {
      const parsed = parseSchedule(text, zone);
      assert.match(parsed.kind === "problem" ? parsed.problem : "", expected);
    });
  }
});
