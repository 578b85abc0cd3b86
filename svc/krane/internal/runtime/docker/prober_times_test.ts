import assert from "node:assert/strict";
import type { HealthCheck } from "../../deployment/health_check.ts";
import { HealthRecord } from "./prober.ts";
import type { Health } from "./status.ts";
import { restartInMs } from "./unhealthy.ts";

const OK = { ok: true } as const;
const BAD = { ok: false, detail: "it answered 500" } as const;
type Times = Pick<HealthCheck, "intervalMs" | "timeoutMs" | "unhealthyMs">;
const NO_TIMES: Times = { intervalMs: 0, timeoutMs: 0, unhealthyMs: 0 };

interface WaitCase {
  readonly name: string;
  readonly times: Times;
  readonly healthyMs: number;
  readonly failingMs: number;
}

const WAITS: readonly WaitCase[] = [
  { name: "no interval", times: NO_TIMES, healthyMs: 1_000, failingMs: 1_000 },
  {
    name: "a long interval does not slow the questions to an app that fails",
    times: { ...NO_TIMES, intervalMs: 60_000 },
    healthyMs: 60_000,
    failingMs: 1_000,
  },
  {
    name: "a short interval counts also for an app that fails",
    times: { ...NO_TIMES, intervalMs: 250 },
    healthyMs: 250,
    failingMs: 250,
  },
];

Deno.test("HealthRecord asks in the interval of the check", async (t) => {
  for (const { name, times, healthyMs, failingMs } of WAITS) {
    await t.step(name, () => {
      const record = new HealthRecord(0, times);
      const waits = [OK, BAD, BAD, OK].map((answer, index) => {
        record.take(answer, index);
        return record.waitMs;
      });
      assert.deepEqual(waits, [healthyMs, failingMs, failingMs, healthyMs]);
    });
  }
});

Deno.test("HealthRecord asks an app that starts ever less often, whatever its interval is", () => {
  const record = new HealthRecord(0, { ...NO_TIMES, intervalMs: 60_000 });
  const waits = Array.from({ length: 14 }, (_, index) => {
    record.take(BAD, index);
    return record.waitMs;
  });
  assert.deepEqual(waits.slice(0, 3), [125, 156.25, 195.3125]);
  assert.deepEqual(waits.slice(-2), [1_000, 1_000], "never less than once a second");
  assert.ok(waits.every((each, index) => index === 0 || each >= (waits[index - 1] ?? 0)), `${waits}`);
});

/** The time of the first bad answer, and those of the others that follow it, each second. */
interface FailCase {
  readonly name: string;
  readonly times: Times;
  /** The time at which the failure is reported; absent: only when it is unhealthy. */
  readonly failingAtMs?: number;
  /** When the app is called unhealthy. */
  readonly unhealthyAtMs: number;
}

const FAILS: readonly FailCase[] = [
  {
    name: "five seconds where the check does not say",
    times: NO_TIMES,
    failingAtMs: 11_000,
    unhealthyAtMs: 15_000,
  },
  { name: "longer", times: { ...NO_TIMES, unhealthyMs: 30_000 }, failingAtMs: 11_000, unhealthyAtMs: 40_000 },
  {
    name: "the second bad answer at the earliest",
    times: { ...NO_TIMES, unhealthyMs: 1 },
    unhealthyAtMs: 11_000,
  },
  {
    name: "the next answer after it",
    times: { ...NO_TIMES, unhealthyMs: 2_500 },
    failingAtMs: 11_000,
    unhealthyAtMs: 13_000,
  },
];

Deno.test("HealthRecord calls an app unhealthy after the time of its check", async (t) => {
  for (const { name, times, failingAtMs, unhealthyAtMs } of FAILS) {
    await t.step(name, () => {
      const record = new HealthRecord(0, times);
      record.take(OK, 0);
      const changes: (readonly [number, Health])[] = [];
      for (let nowMs = 10_000; nowMs <= 60_000; nowMs += 1_000) {
        const changed = record.take(BAD, nowMs);
        if (changed !== undefined) changes.push([nowMs, changed]);
      }
      const failing = { kind: "failing", detail: BAD.detail, sinceMs: 10_000 } as const;
      const unhealthy = { kind: "unhealthy", detail: BAD.detail, sinceMs: 10_000, wasHealthy: true };
      const reported = failingAtMs === undefined ? [] : [[failingAtMs, failing]];
      assert.deepEqual(changes, [...reported, [unhealthyAtMs, unhealthy]], "each is reported once");
      assert.deepEqual(record.take(OK, 61_000), { kind: "healthy" });
      assert.equal(record.take(BAD, 70_000), undefined, "it counts anew");
    });
  }
});

Deno.test("HealthRecord tells of a question that stayed without an answer at once, and of a bad answer when it lasts", () => {
  const record = new HealthRecord(0, NO_TIMES);
  record.take(OK, 0);
  assert.deepEqual(record.take(BAD, 5_000, 2_000), { kind: "failing", detail: BAD.detail, sinceMs: 2_000 });
  assert.deepEqual(record.take({ ok: false, detail: "no answer" }, 6_900, 6_000), {
    kind: "failing",
    detail: "no answer",
    sinceMs: 2_000,
  });
  assert.equal(record.take(OK, 6_950)?.kind, "healthy");
  assert.equal(record.take(BAD, 8_000, 7_999), undefined);
  assert.equal(record.take(OK, 9_000), undefined, "one bad answer among good ones is not reported");
});

Deno.test("HealthRecord reports a healthy app that does not answer for long, without counting a failure", () => {
  const record = new HealthRecord(0, NO_TIMES);
  assert.equal(record.wait(0), undefined, "an app that starts has not answered before");
  record.take(OK, 0);
  const failing = { kind: "failing", detail: "no answer for 1.5 s", sinceMs: 5_000 } as const;
  assert.deepEqual(record.wait(5_000), failing);
  assert.equal(record.wait(5_000), undefined, "once");
  assert.deepEqual(record.take(OK, 7_000, 5_000), { kind: "healthy" });
  assert.equal(record.waitMs, 1_000);
  assert.equal(record.take(BAD, 8_000), undefined, "the slow answer was no failure");
});

Deno.test("HealthRecord waits for the whole timeout of an app that sets its own", () => {
  const record = new HealthRecord(0, { ...NO_TIMES, timeoutMs: 10_000 });
  record.take(OK, 0);
  assert.equal(record.wait(5_000), undefined);
});

const RESTARTS: readonly (readonly [name: string, restartMs: number, wasHealthy: boolean, leftMs: number])[] =
  [
    ["a minute where the check does not say", 0, true, 59_000],
    ["sooner", 5_000, true, 4_000],
    ["later", 3_600_000, true, 3_599_000],
    ["an app that has never answered may take its time to start", 5_000, false, 599_000],
  ];

Deno.test("restartInMs() takes the check's time for apps that have answered", async (t) => {
  for (const [name, restartMs, wasHealthy, leftMs] of RESTARTS) {
    await t.step(name, () => {
      const health: Health = { kind: "unhealthy", detail: "x", sinceMs: 1_000, wasHealthy };
      assert.equal(restartInMs(health, { restartMs }, 2_000), leftMs);
    });
  }
});
