import assert from "node:assert/strict";
import { testMetrics } from "../../../pkg/metrics/testing.ts";
import type { CertificateSteps, Unfinished } from "./certificate/types.ts";
import type { BuildJob, BuildReport } from "./image_build/types.ts";
import { countAttempts, countBuilds, countDeploys } from "./metrics.ts";

const signal = new AbortController().signal;
const JOB: BuildJob = {
  deploymentId: "d",
  workspaceId: "w",
  projectId: "p",
  contextPath: "c",
  dockerfile: "D",
};

Deno.test("builds are counted and timed by their end; one that is tried again is no end", async () => {
  using test = await testMetrics();
  const reports: (BuildReport | Error)[] = [
    { kind: "built", image: "i", buildId: "b" },
    new Error("the builder is away"),
    { kind: "failed", code: "build_failed", message: "RUN failed" },
  ];
  const steps = countBuilds({
    build: () => {
      const next = reports.shift();
      return next === undefined || next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
  }, test.metrics);
  await steps.build(JOB, 1, signal);
  await assert.rejects(steps.build(JOB, 1, signal));
  await steps.build(JOB, 1, signal);
  const expected = { 'code="built"': 1, 'code="build_failed"': 1 };
  assert.deepEqual(await test.read("unkey_builds_total"), expected);
  assert.deepEqual(await test.read("unkey_build_seconds_count"), expected);
});

Deno.test("attempts to get a certificate are counted by their end", async () => {
  using test = await testMetrics();
  const given: Pick<CertificateSteps, "store" | "fail"> = {
    store: () => Promise.resolve({ kind: "issued", certificateId: "c" }),
    fail: () => Promise.resolve(null),
  };
  // The other steps end no attempt.
  const steps = countAttempts(given as CertificateSteps, test.metrics);
  const wish = { hostname: "shop.example", attempt: 1 };
  const ends: readonly Unfinished[] = [
    { kind: "limited", untilMs: 1, problem: "" },
    { kind: "refused", problem: "" },
    { kind: "refused", problem: "" },
  ];
  for (const end of ends) assert.equal(await steps.fail(wish, end, signal), null);
  assert.deepEqual(await steps.store(wish, signal), { kind: "issued", certificateId: "c" });
  assert.deepEqual(await test.read("unkey_certificate_attempts_total"), {
    'end="limited"': 1,
    'end="refused"': 2,
    'end="issued"': 1,
  });
});

Deno.test("deployments are counted by the status that they ended in", async () => {
  using test = await testMetrics();
  const count = countDeploys(test.metrics);
  for (const status of ["ready", "failed", "ready"] as const) count({ status });
  assert.deepEqual(await test.read("unkey_deploys_total"), { 'status="ready"': 2, 'status="failed"': 1 });
});
