import assert from "node:assert/strict";
import { type LookFacts, type LookPlan, planLook } from "./plan.ts";

const FACTS: LookFacts = {
  deploymentId: "new",
  formerDeploymentId: "live",
  nowMs: 100_000,
  createdAtMs: 0,
  stepStartedAtMs: 90_000,
  everyMs: 60_000,
  liveDeploymentId: "live",
  status: "ready",
  nextRunning: 1,
  formerRunning: 1,
  looksWithoutInstance: 0,
  gate: undefined,
};

Deno.test("planLook()", async (t) => {
  const due = { stepStartedAtMs: 40_000 };
  const table: readonly [string, Partial<LookFacts>, LookPlan][] = [
    ["waits", {}, { kind: "wait", delayMs: 5_000 }],
    ["waits no longer than the step", { stepStartedAtMs: 42_000 }, { kind: "wait", delayMs: 2_000 }],
    ["waits a moment at least", { stepStartedAtMs: 40_001 }, { kind: "wait", delayMs: 100 }],
    ["goes on in time", due, { kind: "advance" }],
    ["waits for a person", { ...due, everyMs: undefined }, { kind: "wait", delayMs: 5_000 }],
    ["waits for an instance of the new version", { ...due, nextRunning: 0, looksWithoutInstance: 1 }, {
      kind: "wait",
      delayMs: 5_000,
    }],
    ["waits for an instance of the live version", { ...due, formerRunning: 0 }, {
      kind: "wait",
      delayMs: 5_000,
    }],
    ["aborts without an instance", { ...due, nextRunning: 0, looksWithoutInstance: 2 }, {
      kind: "abort",
      reason: "No instance of new runs any more.",
    }],
    ["aborts a version that was stopped", { status: "stopped" }, {
      kind: "abort",
      reason: "new is stopped.",
    }],
    ["aborts a version that is gone", { status: undefined }, { kind: "abort", reason: "new is gone." }],
    ["aborts by the gate rather than go on", { ...due, gate: "worse" }, { kind: "abort", reason: "worse" }],
    ["aborts what no person ends", { nowMs: 604_800_000, stepStartedAtMs: 604_800_000, everyMs: undefined }, {
      kind: "abort",
      reason: "It was neither completed nor aborted for 7 days.",
    }],
    ["settles what another switch moved", { ...due, liveDeploymentId: "other", gate: "worse" }, {
      kind: "settle",
    }],
    ["settles without an environment", { liveDeploymentId: undefined }, { kind: "settle" }],
  ];
  for (const [name, changes, plan] of table) {
    await t.step(name, () => assert.deepEqual(planLook({ ...FACTS, ...changes }), plan));
  }
});
