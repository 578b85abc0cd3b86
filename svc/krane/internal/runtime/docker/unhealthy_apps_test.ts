import assert from "node:assert/strict";
import type { Container } from "../../../../../pkg/docker/mod.ts";
import { createLogger } from "../../../../../pkg/logger/mod.ts";
import { eventually } from "../../../../../pkg/testkit/eventually.ts";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import { DESIRED } from "../kubernetes/testing_manifests.ts";
import { plainCheck } from "../../deployment/health_check.ts";
import { Histories } from "./exits.ts";
import type { Health } from "./status.ts";
import { engineFault, FakeEngine } from "./testing_engine.ts";
import { UnhealthyApps } from "./unhealthy.ts";

const APP = { ...DESIRED, healthCheck: { ...plainCheck("/up"), restartMs: 20_000 } };

function start(answer: () => unknown = () => undefined) {
  const [clock, engine, histories] = [new ManualClock(), new FakeEngine(answer), new Histories()];
  const [notes, logs] = [new Array<string>(), new Array<string>()];
  const note = (instance: string, _: number, text: string): void => void notes.push(`${instance}: ${text}`);
  const apps = new UnhealthyApps({
    engine,
    clock,
    log: createLogger({ service: "test", level: "warn", write: (line) => logs.push(line) }),
    histories,
    stopGraceSeconds: 10,
    note,
  });
  const failing = (forMs: number, wasHealthy = true): Health => ({
    kind: "unhealthy",
    detail: "it answered 500",
    sinceMs: clock.now() - forMs,
    wasHealthy,
  });
  const stop = (healths: Readonly<Record<string, Health>>, desired = APP) =>
    apps.stop(
      desired,
      Object.entries(healths).map(([name, health]) => ({ container: container(name), health })),
      new AbortController().signal,
    );
  return { apps, engine, failing, histories, logs, notes, stop };
}

function container(name: string): Container {
  return {
    id: `id-${name}`,
    name,
    imageId: "",
    labels: {},
    env: {},
    state: { status: "running", exitCode: 0, oomKilled: false, error: "", startedAt: "", finishedAt: "" },
    restarts: 0,
    ip: "",
    hostPorts: new Map(),
    limits: { cpuMillicores: 0, memoryBytes: 0, pidsMax: 0 },
  };
}

Deno.test("UnhealthyApps stops an app that fails for its time, and waits for the others", () => {
  const { engine, failing, histories, stop } = start();
  const waits = stop({
    late: failing(20_000),
    soon: failing(15_000),
    silent: failing(20_000, false),
    well: { kind: "healthy" },
    new: { kind: "unknown" },
  });
  assert.deepEqual(engine.asked, ["POST /containers/id-late/stop"]);
  assert.deepEqual(waits, [5_000, 5_000, 580_000]);
  assert.match(
    histories.of("late").stopReason ?? "",
    /GET \/up on port 8080 does not answer.*it answered 500/,
  );
  assert.equal(histories.of("soon").stopReason, undefined);
});

Deno.test("UnhealthyApps gives an app its own time to end, and else the agent's", async (t) => {
  for (const [stopSeconds, grace] of [[0, "10"], [45, "45"]] as const) {
    await t.step(`${stopSeconds}`, () => {
      const { engine, failing, stop } = start();
      stop({ a: failing(60_000) }, { ...APP, stopSeconds });
      assert.deepEqual(engine.requests.map(({ query }) => query?.["t"]), [grace]);
    });
  }
});

Deno.test("UnhealthyApps stops again what the engine refused to stop", async () => {
  const { engine, failing, logs, stop } = start(() => {
    throw engineFault("unavailable", "no space");
  });
  assert.deepEqual(stop({ a: failing(60_000) }), [5_000]);
  await eventually("the refusal to be logged", () => logs.length > 0);
  assert.match(logs[0] ?? "", /unhealthy app not stopped.*no space/);
  stop({ a: failing(60_000) });
  assert.equal(engine.asked.length, 2);
});

/** A reconcile that waits has one of few places: some apps that hang would keep all others from starting. */
Deno.test("UnhealthyApps does not wait for an app that does not end, and stops it once", async () => {
  const ended = Promise.withResolvers<undefined>();
  const { engine, failing, stop } = start(() => ended.promise);
  assert.deepEqual(stop({ a: failing(60_000) }), [5_000]);
  assert.deepEqual(stop({ a: failing(65_000), b: failing(60_000) }), [5_000, 5_000]);
  assert.deepEqual(engine.asked, ["POST /containers/id-a/stop", "POST /containers/id-b/stop"]);
  ended.resolve(undefined);
  await ended.promise;
});

Deno.test("UnhealthyApps tells of a failing check once, and of its end", () => {
  const { apps, failing, notes, stop } = start();
  const [fails, well] = ["a: the health check fails: it answered 500", "a: the health check succeeds again"];
  apps.changed("a", { kind: "healthy" });
  apps.changed("a", failing(0, false));
  assert.deepEqual(notes, [], "an app that starts has said so itself");
  apps.changed("a", failing(0));
  apps.changed("a", failing(1));
  assert.deepEqual(notes, [fails]);
  apps.changed("b", { kind: "healthy" });
  apps.changed("a", { kind: "healthy" });
  apps.changed("a", { kind: "healthy" });
  assert.deepEqual(notes, [fails, well]);
  apps.changed("a", failing(0));
  apps.forget("a");
  apps.changed("a", { kind: "healthy" });
  assert.deepEqual(notes, [fails, well, fails], "the next container of the name has not failed");
  apps.changed("a", failing(0));
  stop({ a: failing(60_000) });
  apps.changed("a", { kind: "healthy" });
  assert.deepEqual(notes, [fails, well, fails, fails], "nor has the run that follows");
});
