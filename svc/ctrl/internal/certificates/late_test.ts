import assert from "node:assert/strict";
import { isLate } from "./mod.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

Deno.test("a certificate is late long before its end, whatever its lifetime", () => {
  for (const days of [6, 45, 64, 90]) {
    const renewAtMs = days * DAY_MS * 2 / 3;
    const certificate = { renewAtMs, notAfterMs: days * DAY_MS, wantedSinceMs: 0 };
    assert.equal(isLate(certificate, renewAtMs + 1), false, `${days}`);
    assert.equal(
      isLate(certificate, renewAtMs + days * DAY_MS / 8),
      true,
      `${days}: at least a fifth is left`,
    );
  }
  const first = { renewAtMs: undefined, notAfterMs: undefined, wantedSinceMs: 0 };
  assert.deepEqual([isLate(first, HOUR_MS), isLate(first, HOUR_MS + 1)], [false, true]);
});
