import assert from "node:assert/strict";
import { renewAt } from "./mod.ts";
import { readWindow } from "./renewal.ts";

const DAY_MS = 86_400_000;

/** A fixed number of days before the end would renew a 6-day certificate at once, again and again. */
Deno.test("a certificate without advice is renewed after two thirds of its lifetime, whatever that is", () => {
  for (const [days, expected] of [[6, 4], [45, 30], [64, 42.67], [90, 60]] as const) {
    const atMs = renewAt({ notBeforeMs: 0, notAfterMs: days * DAY_MS }, { spread: 0.5 });
    assert.equal(Math.round(atMs / DAY_MS * 100) / 100, expected, `${days} days`);
  }
});

Deno.test("a certificate is renewed within the window of its authority, but never too late", () => {
  const lifetime = { notBeforeMs: 0, notAfterMs: 90 * DAY_MS };
  const window = { startMs: 50 * DAY_MS, endMs: 60 * DAY_MS };
  assert.equal(renewAt(lifetime, { window, spread: 0 }), 50 * DAY_MS);
  assert.equal(renewAt(lifetime, { window, spread: 0.5 }), 55 * DAY_MS);
  const late = { startMs: 200 * DAY_MS, endMs: 300 * DAY_MS };
  assert.equal(renewAt(lifetime, { window: late, spread: 0.5 }), 89 * DAY_MS);
  assert.equal(renewAt({ notBeforeMs: 0, notAfterMs: DAY_MS }, { window: late, spread: 0 }), 0.9 * DAY_MS);
  // A window in the past is how an authority says that it revokes.
  const past = { startMs: -2 * DAY_MS, endMs: -DAY_MS };
  assert.ok(renewAt(lifetime, { window: past, spread: 1 }) < 0);
});

Deno.test("an answer that is no window is none", () => {
  const window = { start: "2026-01-02T03:04:05Z", end: "2026-01-03T03:04:05Z" };
  assert.deepEqual(readWindow(JSON.stringify({ suggestedWindow: window })), {
    startMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    endMs: Date.UTC(2026, 0, 3, 3, 4, 5),
  });
  const swapped = { start: window.end, end: window.start };
  for (
    const answer of [
      "",
      "[]",
      "{}",
      JSON.stringify({ suggestedWindow: swapped }),
      '{"suggestedWindow":{"start":"x","end":"y"}}',
    ]
  ) {
    assert.equal(readWindow(answer), undefined, answer);
  }
});
