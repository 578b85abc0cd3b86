import assert from "node:assert/strict";
import { plainCheck } from "../../deployment/health_check.ts";
import { Pod } from "./objects.ts";
import { initTrouble, sidecarTrouble } from "./other_containers.ts";
import { derivePod } from "./status.ts";

const NOW = Date.parse("2026-05-01T12:00:00Z");
const RUNS = { running: { startedAt: new Date(NOW - 60_000).toISOString() } };
const ended = (exitCode: number) => ({ terminated: { exitCode, reason: "Error" } });
const waiting = (reason: string, message = "") => ({ waiting: { reason, message } });

function pod(containers: readonly object[], init: readonly object[]): Pod {
  return Pod.parse({
    metadata: { name: "app-x1", uid: "u", resourceVersion: "1" },
    spec: { nodeName: "node-1", containers: [{ name: "deployment" }] },
    status: {
      phase: "Running",
      podIP: "10.0.0.7",
      conditions: [{ type: "Ready", status: "False" }],
      containerStatuses: containers,
      initContainerStatuses: init,
    },
  });
}

interface Case {
  readonly name: string;
  readonly status: object;
  readonly problem: string | undefined;
}

const INIT: readonly Case[] = [
  { name: "at work for the first time", status: { state: RUNS }, problem: undefined },
  { name: "not begun", status: { state: waiting("PodInitializing") }, problem: undefined },
  { name: "no word of it yet", status: {}, problem: undefined },
  { name: "done", status: { state: ended(0) }, problem: undefined },
  {
    name: "done at the second try",
    status: { state: ended(0), lastState: ended(1), restartCount: 1 },
    problem: undefined,
  },
  { name: "failed", status: { state: ended(3) }, problem: "ended with exit code 3" },
  {
    name: "at work again after it failed",
    status: { state: RUNS, lastState: ended(3), restartCount: 1 },
    problem: "ended with exit code 3",
  },
  {
    name: "waits to be started again",
    status: { state: waiting("CrashLoopBackOff", "back-off 40s"), lastState: ended(3), restartCount: 4 },
    problem: "ended with exit code 3",
  },
  {
    name: "an image that is not there",
    status: { state: waiting("ErrImagePull", "no such image") },
    problem: "cannot start: no such image",
  },
  { name: "a wait without words", status: { state: waiting("Blocked") }, problem: "waits (Blocked)" },
  {
    name: "goes on beside the app, ready again after an end",
    status: { state: RUNS, ready: true, started: true, lastState: ended(3), restartCount: 1 },
    problem: undefined,
  },
];

Deno.test("initTrouble() is about containers that keep the app's own from starting", async (t) => {
  for (const { name, status, problem } of INIT) {
    await t.step(name, () => {
      const found = initTrouble(pod([], [{ name: "first", state: ended(0) }, { name: "mesh", ...status }]));
      assert.deepEqual(found, problem === undefined ? undefined : { name: "mesh", problem });
    });
  }
});

const MESH = { name: "mesh", state: RUNS, ready: true, started: true, lastState: ended(3), restartCount: 1 };

Deno.test("sidecarTrouble() passes over a container that is ready, whatever it did before", () => {
  const proxy = { name: "proxy", state: RUNS };
  const app = { name: "deployment", state: RUNS, ready: false };
  assert.deepEqual(sidecarTrouble(pod([app, proxy], [MESH])), { name: "proxy", problem: "is not ready" });
  assert.equal(sidecarTrouble(pod([app, { ...proxy, ready: true }], [MESH])), undefined);
  assert.equal(sidecarTrouble(pod([app], [])), undefined, "the app itself is not beside itself");
});

/** An app that ends by itself must not be blamed on a proxy that was started again long ago. */
Deno.test("derivePod() tells of the app's own crashes beside a proxy that has restarted once", () => {
  const app = {
    name: "deployment",
    state: waiting("CrashLoopBackOff"),
    lastState: ended(1),
    restartCount: 3,
  };
  const facts = { port: 8080, healthCheck: plainCheck(""), lastLines: ["bad"], nowMs: NOW, isLast: false };
  const { instance } = derivePod({ pod: pod([app], [MESH]), ...facts });
  assert.deepEqual([instance.status, instance.reason, instance.exitCode], ["failed", "crash_loop", 1]);
  const broken = { ...MESH, ready: false, state: waiting("CrashLoopBackOff") };
  assert.equal(derivePod({ pod: pod([app], [broken]), ...facts }).instance.reason, "sidecar");
});
