import assert from "node:assert/strict";
import type { Context } from "@restatedev/restate-sdk/fetch";
import { Fault } from "../fault/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { type TestMetrics, testMetrics } from "../metrics/testing.ts";
import { DurableMetrics, runService } from "./mod.ts";
import { stepLabel } from "./metrics.ts";

const clock = { now: () => 0, sleep: () => Promise.resolve() };

/** Runs a handler of `target` with one step, which fails so often with `error`. */
async function run(
  test: TestMetrics,
  target: string,
  step: string,
  failures: readonly Error[],
): Promise<void> {
  const left = [...failures];
  const parts = {
    request: () => ({ target, attemptCompletedSignal: new AbortController().signal }),
    run: (_name: string, action: () => Promise<unknown>) => action(),
  };
  // The SDK's context has some forty members more, of which a step uses none.
  const context = parts as unknown as Context;
  const metrics = new DurableMetrics(test.metrics);
  await runService(context, { clock, log: silentLogger(), metrics }, (durable) =>
    durable.run(step, () => {
      const error = left.shift();
      return error === undefined ? Promise.resolve("done") : Promise.reject(error);
    }, { attemptsMax: 3, firstMs: 1, maxMs: 1 }));
}

Deno.test("each try of a step counts, and the call once by its end", async () => {
  using test = await testMetrics();
  const away = new Fault("unavailable", "away");
  await run(test, "hydra.v1.DeploymentService/d_1/Deploy", "check instances 12", [away, away]);
  await assert.rejects(run(test, "hydra.v1.BuildService/Build", "build image", [away, away, away]));
  assert.deepEqual(await test.read("unkey_step_tries_total"), {
    'step="check instances",code="unavailable"': 2,
    'step="check instances",code="ok"': 1,
    'step="build image",code="unavailable"': 3,
  });
  assert.deepEqual(await test.read("unkey_step_seconds_count"), {
    'step="check instances"': 3,
    'step="build image"': 3,
  });
  assert.deepEqual(await test.read("unkey_invocations_total"), {
    'service="hydra.v1.DeploymentService",handler="Deploy",code="ok"': 1,
    'service="hydra.v1.BuildService",handler="Build",code="unavailable"': 1,
  });
});

Deno.test("the label of a step has no number, so that a long wait is one series", () => {
  const labels = ["check instances 1", "check instances 700", "look at proof 3", "load deployment"].map(
    stepLabel,
  );
  assert.deepEqual(labels, ["check instances", "check instances", "look at proof", "load deployment"]);
});
