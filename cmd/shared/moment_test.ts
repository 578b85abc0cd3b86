import assert from "node:assert/strict";
import { momentMs, momentSchema } from "./moment.ts";

const NOW = Date.UTC(2026, 10, 30, 12);

Deno.test("a moment is a time, or how long ago it was", async (t) => {
  const cases: readonly [string, number][] = [
    ["90s", NOW - 90_000],
    ["10m", NOW - 600_000],
    ["2h30m", NOW - 9_000_000],
    ["7d", NOW - 7 * 86_400_000],
    ["999999999d", 0],
    ["2026-11-30T11:00:00Z", NOW - 3_600_000],
    ["2026-11-30T13:00:00.500+02:00", NOW - 3_599_500],
    ["2026-11-30T11:00Z", NOW - 3_600_000],
    ["2026-11-30", Date.UTC(2026, 10, 30)],
    ["2026-11-30T11:00", new Date(2026, 10, 30, 11).getTime()],
  ];
  for (const [raw, expected] of cases) {
    await t.step(raw, () => {
      const moment = momentSchema().parse(raw);
      assert.ok(moment !== undefined);
      assert.equal(momentMs(moment, NOW), expected);
    });
  }
  await t.step("none", () => assert.equal(momentSchema().parse(undefined), undefined));
});

Deno.test("a moment that cannot be read is refused with examples", () => {
  for (
    const raw of [
      "",
      "10",
      "m",
      "-5m",
      "1.5h",
      "yesterday",
      "2026-13-01",
      "12:00",
      "1e3s",
      "2026-11-30 11:00",
    ]
  ) {
    const { error } = momentSchema().safeParse(raw);
    assert.match(error?.issues[0]?.message ?? "", /^must be a time such as/, raw);
  }
});
