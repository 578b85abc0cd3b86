import assert from "node:assert/strict";
import { type HealthCheck, plainCheck } from "../../deployment/health_check.ts";
import { probeProblem, type Probes, probes } from "./probes.ts";

const PORT = 8080;
const HTTP = plainCheck("/up");

function probesOf(healthCheck: HealthCheck): Probes {
  const made = probes({ healthCheck, port: PORT });
  assert.ok(made !== undefined);
  return made;
}

Deno.test("probes() asks nothing of an app without a health check", () => {
  const healthCheck = { ...plainCheck(""), kind: "none", settleMs: 10_000 } as const;
  assert.equal(probes({ healthCheck, port: PORT }), undefined);
});

/** Seconds between questions, and how many may fail. */
type Rhythm = readonly [periodSeconds: number, failureThreshold: number];

interface TimesCase {
  readonly name: string;
  readonly check: Partial<HealthCheck>;
  readonly timeoutSeconds: number;
  readonly readiness: Rhythm;
  readonly liveness: Rhythm;
}

const TIMES: readonly TimesCase[] = [
  {
    name: "without times of its own, as the Docker runtime does",
    check: {},
    timeoutSeconds: 3,
    readiness: [2, 3],
    liveness: [10, 6],
  },
  {
    name: "less than a second is a second, which is the least that Kubernetes knows",
    check: { intervalMs: 100, timeoutMs: 1, unhealthyMs: 1 },
    timeoutSeconds: 1,
    readiness: [1, 1],
    liveness: [10, 6],
  },
  {
    name: "parts of seconds are rounded up",
    check: { intervalMs: 1_001, timeoutMs: 2_500, unhealthyMs: 4_001 },
    timeoutSeconds: 3,
    readiness: [2, 3],
    liveness: [10, 6],
  },
  {
    name: "a longer interval counts for both, and makes fewer questions",
    check: { intervalMs: 30_000, unhealthyMs: 60_000, restartMs: 120_000 },
    timeoutSeconds: 3,
    readiness: [30, 2],
    liveness: [30, 4],
  },
  {
    name: "a short interval does not ask more often whether to restart",
    check: { intervalMs: 1_000, restartMs: 60_000 },
    timeoutSeconds: 3,
    readiness: [1, 5],
    liveness: [10, 6],
  },
  {
    name: "an interval longer than the time to fail leaves one question",
    check: { intervalMs: 90_000 },
    timeoutSeconds: 3,
    readiness: [90, 1],
    liveness: [90, 2],
  },
  {
    name: "an app that is to be restarted soon is asked twice before",
    check: { intervalMs: 1_000, restartMs: 6_000 },
    timeoutSeconds: 3,
    readiness: [1, 5],
    liveness: [3, 2],
  },
  {
    name: "two questions a second apart are the least before a restart",
    check: { intervalMs: 1_000, restartMs: 1_000 },
    timeoutSeconds: 3,
    readiness: [1, 5],
    liveness: [1, 2],
  },
  {
    name: "an interval longer than the time to a restart counts",
    check: { intervalMs: 8_000, restartMs: 5_000 },
    timeoutSeconds: 3,
    readiness: [8, 1],
    liveness: [8, 2],
  },
  {
    name: "a part of an interval counts as a whole one",
    check: { intervalMs: 4_000, unhealthyMs: 9_000, restartMs: 61_000 },
    timeoutSeconds: 3,
    readiness: [4, 3],
    liveness: [10, 7],
  },
];

Deno.test("probes() asks in the rhythm of the check", async (t) => {
  for (const { name, check, timeoutSeconds, readiness, liveness } of TIMES) {
    await t.step(name, () => {
      const made = probesOf({ ...HTTP, ...check });
      const { livenessProbe, readinessProbe, startupProbe } = made;
      assert.deepEqual([readinessProbe.periodSeconds, readinessProbe.failureThreshold], readiness);
      assert.deepEqual([livenessProbe.periodSeconds, livenessProbe.failureThreshold], liveness);
      assert.deepEqual([startupProbe.periodSeconds, startupProbe.failureThreshold], [1, 600], "ten minutes");
      const timeouts = Object.values(made).map((probe) => probe.timeoutSeconds);
      assert.deepEqual(timeouts, [timeoutSeconds, timeoutSeconds, timeoutSeconds]);
    });
  }
});

const QUESTIONS: readonly (readonly [name: string, check: HealthCheck, question: object])[] = [
  ["a port", plainCheck(""), { tcpSocket: { port: PORT } }],
  ["a path", HTTP, { httpGet: { path: "/up", port: PORT } }],
  [
    "a path of a named host",
    plainCheck("/up", "shop.example"),
    { httpGet: { path: "/up", port: PORT, httpHeaders: [{ name: "Host", value: "shop.example" }] } },
  ],
  [
    "a path with headers, and the host after them",
    { ...plainCheck("/up", "shop.example"), headers: { "x-probe": "1" } },
    {
      httpGet: {
        path: "/up",
        port: PORT,
        httpHeaders: [{ name: "x-probe", value: "1" }, { name: "Host", value: "shop.example" }],
      },
    },
  ],
];

Deno.test("probes() puts one question three times where the check has no command", async (t) => {
  for (const [name, healthCheck, question] of QUESTIONS) {
    await t.step(name, () => {
      for (const probe of Object.values(probesOf(healthCheck))) {
        const { failureThreshold: _failures, periodSeconds: _period, timeoutSeconds: _timeout, ...asked } =
          probe;
        assert.deepEqual(asked, question);
      }
    });
  }
});

/** The list that a probe holds must not be the one that the deployment keeps. */
Deno.test("probes() starts a command's check with the port, and copies the command", () => {
  const command = ["/check", "me"];
  const healthCheck = { ...plainCheck(""), kind: "command", command, timeoutMs: 7_000 } as const;
  const { livenessProbe, startupProbe } = probesOf(healthCheck);
  assert.deepEqual(startupProbe.tcpSocket, { port: PORT });
  assert.equal(startupProbe.exec, undefined);
  assert.equal(startupProbe.timeoutSeconds, 7);
  assert.deepEqual(livenessProbe.exec, { command });
  assert.notEqual(livenessProbe.exec?.command, command);
});

const PROBLEMS: readonly (readonly [name: string, check: HealthCheck, problem: RegExp | undefined])[] = [
  ["a port", plainCheck(""), undefined],
  ["a port with a method without effect", { ...plainCheck(""), method: "HEAD" }, undefined],
  ["a command with a status without effect", {
    ...plainCheck(""),
    kind: "command",
    expectedStatus: "418",
  }, undefined],
  ["GET", HTTP, undefined],
  ["HEAD", { ...HTTP, method: "HEAD" }, /with GET, not with HEAD: leave the method out/],
  ["a part of the codes", { ...HTTP, expectedStatus: "200" }, /200-399 as healthy, not 200: leave/],
  ["the method before the codes", { ...HTTP, method: "HEAD", expectedStatus: "200" }, /not with HEAD/],
];

Deno.test("probeProblem() is about requests only", async (t) => {
  for (const [name, check, problem] of PROBLEMS) {
    await t.step(name, () => {
      const found = probeProblem(check);
      if (problem === undefined) assert.equal(found, undefined);
      else assert.match(found ?? "", problem);
    });
  }
});
