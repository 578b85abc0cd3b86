import { plainCheck } from "../../deployment/health_check.ts";
import assert from "node:assert/strict";
import { Pod } from "./objects.ts";
import { derivePod } from "./status.ts";

const NOW = Date.parse("2026-05-01T12:00:00Z");
const at = (secondsAgo: number): string => new Date(NOW - secondsAgo * 1_000).toISOString();
const RUNS = { running: { startedAt: at(60) } };
const ended = (exitCode: number) => ({ terminated: { exitCode, reason: "Error" } });
const waiting = (reason: string, message = "") => ({ waiting: { reason, message } });
const PROXY_ENDED = {
  name: "proxy",
  restartCount: 3,
  state: waiting("CrashLoopBackOff"),
  lastState: ended(1),
};

const NOT_FORMAT = "exec /app: exec format error";

interface Case {
  readonly name: string;
  /** The status of the app's own container. */
  readonly app: Readonly<Record<string, unknown>>;
  readonly beside?: object;
  readonly init?: object;
  readonly conditions?: readonly object[];
  readonly isLast?: boolean;
  readonly lines?: readonly string[];
  readonly want: readonly [status: string, reason: string, text: RegExp];
}

const LOST_READINESS = [{ type: "Ready", status: "False", lastTransitionTime: at(3) }];

const CASES: readonly Case[] = [
  {
    name: "broken container beside an app that is ready",
    app: { state: RUNS, ready: true },
    beside: PROXY_ENDED,
    want: ["pending", "sidecar", /app itself is ready.* "proxy" beside it ended with exit code 1/],
  },
  {
    name: "broken container beside the last app that was live",
    app: { state: RUNS, ready: true, started: true },
    beside: PROXY_ENDED,
    conditions: LOST_READINESS,
    isLast: true,
    want: ["running", "sidecar", /"proxy"/],
  },
  {
    name: "container beside the app that does not answer",
    app: { state: RUNS, ready: true },
    beside: { name: "proxy", state: RUNS },
    want: ["pending", "sidecar", /"proxy" beside it is not ready/],
  },
  {
    name: "container beside the app whose image cannot be pulled",
    app: { state: RUNS, ready: true },
    beside: { name: "proxy", state: waiting("ImagePullBackOff", "no such image") },
    want: ["pending", "sidecar", /"proxy" beside it cannot start: no such image/],
  },
  {
    name: "app that does not answer, beside a broken container",
    app: { state: RUNS },
    beside: PROXY_ENDED,
    want: ["pending", "not_listening", /port 8080.*Perhaps because of the container "proxy".*ended/],
  },
  {
    name: "unhealthy app beside a container that is ready",
    app: { state: RUNS, started: true },
    beside: { name: "proxy", ready: true, state: RUNS },
    conditions: LOST_READINESS,
    isLast: true,
    want: ["running", "unhealthy", /port 8080/],
  },
  {
    name: "init container that fails",
    app: { state: waiting("PodInitializing") },
    init: { name: "mesh-init", state: ended(2), restartCount: 1 },
    want: ["pending", "sidecar", /The app waits: the container "mesh-init" beside it ended with exit code 2/],
  },
  {
    name: "init container that has done its work",
    app: { state: waiting("PodInitializing") },
    init: { name: "mesh-init", state: ended(0) },
    want: ["pending", "creating", /./],
  },
  {
    name: "readiness gate of another program",
    app: { state: RUNS, ready: true },
    conditions: [
      { type: "Ready", status: "False", reason: "ReadinessGatesNotReady", message: "no target" },
      { type: "ContainersReady", status: "True" },
    ],
    want: ["pending", "sidecar", /app is ready, but its pod is not: no target/],
  },
  {
    name: "program for another processor",
    app: { state: { terminated: { exitCode: 255, reason: "Error" } } },
    lines: [NOT_FORMAT],
    want: [
      "failed",
      "exited",
      /exit code 255\. .*machine is linux\/amd64.*such as linux\/arm64.*--platform linux\/amd64/,
    ],
  },
  {
    name: "program for another processor, as the runtime tells it",
    app: { state: { terminated: { exitCode: 128, reason: "StartError", message: NOT_FORMAT } } },
    want: ["failed", "crash_loop", /exec format error.*machine is linux\/amd64/],
  },
  {
    name: "image that runs as root, where that is not allowed",
    app: {
      state: waiting(
        "CreateContainerConfigError",
        "container has runAsNonRoot and image will run as root (pod: x)",
      ),
    },
    want: ["failed", "crash_loop", /runs as root.*"USER 65532"/],
  },
  {
    name: "image whose user is a name, where root is not allowed",
    app: {
      state: waiting(
        "CreateContainerConfigError",
        "container has runAsNonRoot and image has non-numeric user (nobody), cannot verify user is non-root",
      ),
    },
    want: ["failed", "crash_loop", /user "nobody" is a name.*"id -u nobody"/],
  },
];

/** The user of an app mends the app, and the operator what the cluster puts beside it. */
Deno.test("derivePod() tells the app's own trouble from that of the containers beside it", async (t) => {
  for (const { name, app, beside, conditions, init, isLast = false, lines = [], want } of CASES) {
    await t.step(name, () => {
      const pod = Pod.parse({
        metadata: { name: "app-x1", uid: "u", resourceVersion: "1", creationTimestamp: at(90) },
        spec: { nodeName: "node-1", containers: [{ name: "deployment" }] },
        status: {
          phase: "Running",
          podIP: "10.0.0.7",
          conditions: conditions ?? [{ type: "Ready", status: "False" }],
          containerStatuses: [...beside === undefined ? [] : [beside], { name: "deployment", ...app }],
          initContainerStatuses: init === undefined ? [] : [init],
        },
      });
      const facts = {
        port: 8080,
        healthCheck: plainCheck(""),
        lastLines: lines,
        nowMs: NOW,
        platform: "linux/amd64",
      };
      const { address, message, reason, status } = derivePod({ ...facts, pod, isLast }).instance;
      assert.deepEqual([status, reason], want.slice(0, 2));
      assert.match(message, want[2]);
      assert.equal(address, status === "running" ? "10.0.0.7:8080" : "", "only what runs has an address");
    });
  }
});
