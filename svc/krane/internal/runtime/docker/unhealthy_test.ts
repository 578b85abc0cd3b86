import assert from "node:assert/strict";
import { plainCheck } from "../../deployment/health_check.ts";
import type { Health } from "./status.ts";
import { restartInMs } from "./unhealthy.ts";

Deno.test("restartInMs() gives an app that has answered a minute, and a new run ten", () => {
  const failing = (wasHealthy: boolean): Health => ({
    kind: "unhealthy",
    detail: "it answered 500",
    sinceMs: 1_000,
    wasHealthy,
  });
  assert.equal(restartInMs(failing(true), plainCheck(""), 1_000), 60_000);
  assert.equal(restartInMs(failing(true), plainCheck(""), 61_500), -500);
  assert.equal(restartInMs(failing(false), plainCheck(""), 61_000), 540_000);
  for (const kind of ["unknown", "healthy"] as const) {
    assert.equal(restartInMs({ kind }, plainCheck(""), 0), undefined);
  }
});
