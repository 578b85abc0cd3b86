import assert from "node:assert/strict";
import { plainCheck } from "../../deployment/health_check.ts";
import { systemClock } from "../../../../../pkg/clock/mod.ts";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import { until } from "../../../testing.ts";
import type { ProbeTarget } from "./probe.ts";
import { HealthRecord, Prober } from "./prober.ts";
import type { Health } from "./status.ts";

const REFUSED = { ok: false, detail: "connection refused" } as const;
const OK = { ok: true } as const;

function target(key: string, host = ""): ProbeTarget {
  return {
    key,
    ip: "127.0.0.1",
    port: 1,
    published: { host: "127.0.0.1", port: 1 },
    container: "c",
    check: plainCheck("", host),
  };
}

/** The changes of health after answers at these times. */
function changesOf(...answers: readonly [number, typeof OK | { ok: false; detail: string }][]): string[] {
  const record = new HealthRecord(0, plainCheck(""));
  return answers.flatMap(([nowMs, answer]) => {
    const changed = record.take(answer, nowMs);
    if (changed === undefined) return [];
    return changed.kind === "unhealthy"
      ? [
        `${nowMs}: ${changed.detail} since ${changed.sinceMs}, ${
          changed.wasHealthy ? "was" : "never"
        } healthy`,
      ]
      : [`${nowMs}: ${changed.kind}`];
  });
}

Deno.test("HealthRecord calls a starting app unhealthy after three bad answers", () => {
  assert.deepEqual(changesOf([10, REFUSED], [20, REFUSED], [30, REFUSED], [40, OK]), [
    "30: connection refused since 0, never healthy",
    "40: healthy",
  ]);
});

Deno.test("HealthRecord tells of a healthy app's bad answers of less than five seconds, and no more", () => {
  assert.deepEqual(changesOf([0, OK], [5_000, REFUSED], [6_000, REFUSED], [9_900, REFUSED], [10_500, OK]), [
    "0: healthy",
    "6000: failing",
    "10500: healthy",
  ]);
});

Deno.test("HealthRecord calls a healthy app unhealthy after five seconds, and tells of a new reason", () => {
  const other = { ok: false, detail: "it answered 500" } as const;
  assert.deepEqual(
    changesOf([0, OK], [5_000, REFUSED], [9_000, other], [10_000, other], [11_000, other], [12_000, REFUSED]),
    [
      "0: healthy",
      "9000: failing",
      "10000: it answered 500 since 5000, was healthy",
      "12000: connection refused since 5000, was healthy",
    ],
  );
});

Deno.test("HealthRecord needs two bad answers, however long the first question took", () => {
  assert.deepEqual(changesOf([0, OK], [60_000, REFUSED], [70_000, OK]), ["0: healthy"]);
});

Deno.test("HealthRecord asks a starting app quickly, a healthy one seldom, and a failing one each second", () => {
  const record = new HealthRecord(0, plainCheck(""));
  const waits = [REFUSED, REFUSED, OK, REFUSED, OK].map((answer, n) => {
    record.take(answer, n);
    return record.waitMs;
  });
  assert.deepEqual(waits, [125, 156.25, 1_000, 1_000, 1_000]);
});

Deno.test("Prober reports changes of health, begins again with another run, and stops", async () => {
  const changes: Health["kind"][] = [];
  let ok = false;
  const probe = () => Promise.resolve(ok ? OK : REFUSED);
  const onChange = (_: string, health: Health): void => void changes.push(health.kind);
  const prober = new Prober({ clock: systemClock(), onChange, probe });
  try {
    assert.deepEqual(prober.health("a", target("k")), { kind: "unknown" });
    await until("unhealthy", () => prober.health("a", target("k")).kind === "unhealthy");
    assert.deepEqual(changes, ["unhealthy"], "the first refusals are one change");
    ok = true;
    await until("healthy", () => prober.health("a", target("k")).kind === "healthy");
    assert.deepEqual(changes, ["unhealthy", "healthy"]);
    assert.deepEqual(prober.health("a", target("restarted")), { kind: "unknown" });
  } finally {
    await prober.close();
  }
  assert.deepEqual(prober.health("b", target("k")), { kind: "unknown" });
});

/** The longest wait for an answer is twice as long, and the command that asks needs its time, too. */
Deno.test("Prober reports a healthy app that hangs before the timeout, and takes the report back after an answer", async () => {
  const [clock, changes] = [new ManualClock(), new Array<string>()];
  const answers = [Promise.resolve(OK), Promise.withResolvers<typeof OK>()] as const;
  let asked = 0;
  const probe = () => asked++ === 0 ? answers[0] : answers[1].promise;
  const onChange = (_: string, health: Health): void =>
    void changes.push(health.kind === "failing" ? health.detail : health.kind);
  const prober = new Prober({ clock, onChange, probe });
  try {
    prober.health("a", target("k"));
    await until("an answer", () => changes.length === 1);
    await clock.advance(1_000);
    assert.equal(asked, 2);
    await clock.advance(1_000);
    assert.deepEqual(changes, ["healthy"]);
    await clock.advance(500);
    assert.deepEqual(changes, ["healthy", "no answer for 1.5 s"]);
    answers[1].resolve(OK);
    await until("the late answer", () => changes.length === 3);
    assert.equal(changes.at(-1), "healthy");
  } finally {
    await prober.close();
  }
});

Deno.test("Prober asks a changed target from the next question on, without beginning again", async () => {
  const asked: string[] = [];
  const probe = ({ check: { host: path } }: ProbeTarget) => {
    asked.push(path);
    return Promise.resolve(asked.length === 1 ? OK : REFUSED);
  };
  const clock = { now: () => 0, sleep: () => new Promise<void>((resolve) => setTimeout(resolve)) };
  const prober = new Prober({ clock, onChange: () => undefined, probe });
  try {
    prober.health("a", target("k", "/first"));
    await until("an answer", () => prober.health("a", target("k", "/second")).kind === "healthy");
    await until("the next question", () => asked.includes("/second"));
    assert.equal(prober.health("a", target("k", "/second")).kind, "healthy");
  } finally {
    await prober.close();
  }
});
