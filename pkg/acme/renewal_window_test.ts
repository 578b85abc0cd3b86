import assert from "node:assert/strict";
import { renewAt } from "./mod.ts";
import { readWindow } from "./renewal.ts";

const DAY_MS = 86_400_000;

Deno.test("readWindow() reads times of every zone, and no half of a window", async (t) => {
  const start = "2026-01-02T03:04:05Z";
  const window = (from: unknown, to: unknown) =>
    JSON.stringify({ suggestedWindow: { start: from, end: to } });
  const startMs = Date.UTC(2026, 0, 2, 3, 4, 5);
  const cases: readonly (readonly [string, string, object | undefined])[] = [
    ["an offset", window(start, "2026-01-02T06:04:05+02:00"), { startMs, endMs: startMs + 3_600_000 }],
    ["parts of a second", window(start, "2026-01-02T03:04:05.5Z"), { startMs, endMs: startMs + 500 }],
    ["a window without a length", window(start, start), undefined],
    ["no end", JSON.stringify({ suggestedWindow: { start } }), undefined],
    ["numbers", window(1, 2), undefined],
    ["a text without an end", window(start, `2026-01-03T00:00:00Z${" ".repeat(100)}`), undefined],
    ["no object", "null", undefined],
    ["half of a text", window(start, "2026-01-03T00:00:00Z").slice(0, 40), undefined],
    [
      "further fields",
      `{"explanationURL":"https://ca.example","suggestedWindow":{"start":"${start}","end":"2026-01-02T03:04:06Z"}}`,
      { startMs, endMs: startMs + 1_000 },
    ],
  ];
  for (const [name, text, expected] of cases) {
    await t.step(name, () => assert.deepEqual(readWindow(text), expected));
  }
});

Deno.test("renewAt() spreads renewals over the window, and no spread is past the last moment", async (t) => {
  const lifetime = { notBeforeMs: 0, notAfterMs: 90 * DAY_MS };
  const window = { startMs: 60 * DAY_MS, endMs: 62 * DAY_MS };
  for (const spread of [0, 0.25, 0.999]) {
    await t.step(`${spread}`, () => {
      assert.equal(renewAt(lifetime, { window, spread }), Math.round((60 + 2 * spread) * DAY_MS));
    });
  }
  await t.step("without a window the spread does not count", () => {
    assert.equal(renewAt(lifetime, { spread: 0 }), renewAt(lifetime, { spread: 1 }));
  });
  await t.step("a window over the end", () => {
    const over = { startMs: 88 * DAY_MS, endMs: 95 * DAY_MS };
    assert.equal(renewAt(lifetime, { window: over, spread: 0 }), 88 * DAY_MS);
    assert.equal(renewAt(lifetime, { window: over, spread: 0.9 }), 89 * DAY_MS);
  });
  await t.step("a lifetime of an hour leaves a tenth", () => {
    const hour = { notBeforeMs: 0, notAfterMs: 3_600_000 };
    const late = { startMs: 3_500_000, endMs: 3_600_000 };
    assert.equal(renewAt(hour, { window: late, spread: 0 }), 3_240_000);
  });
});
