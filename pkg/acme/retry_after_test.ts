import assert from "node:assert/strict";
import { parseRetryAfter } from "./mod.ts";

const NOW_MS = Date.UTC(2026, 0, 1);

Deno.test("parseRetryAfter() reads seconds and dates, and nothing else", () => {
  const cases: readonly (readonly [string | undefined, number | undefined])[] = [
    ["0", NOW_MS],
    ["90", NOW_MS + 90_000],
    [" 90 ", NOW_MS + 90_000],
    ["Thu, 01 Jan 2026 00:05:00 GMT", NOW_MS + 300_000],
    ["Wed, 31 Dec 2025 00:05:00 GMT", NOW_MS],
    ["9999999999", NOW_MS + 30 * 86_400_000],
    ["Fri, 01 Jan 2100 00:00:00 GMT", NOW_MS + 30 * 86_400_000],
    ["-5", undefined],
    ["1.5", undefined],
    ["soon", undefined],
    ["", undefined],
    [undefined, undefined],
  ];
  for (const [header, expected] of cases) {
    assert.equal(parseRetryAfter(header, NOW_MS), expected, header ?? "absent");
  }
});
