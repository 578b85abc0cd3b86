import assert from "node:assert/strict";
import { plainCheck } from "../../deployment/health_check.ts";
import { Pod } from "./objects.ts";
import { derivePod, isFinished, isRunning } from "./status.ts";

const NOW = Date.parse("2026-05-01T12:00:00Z");
const at = (secondsAgo: number): string => new Date(NOW - secondsAgo * 1_000).toISOString();

const IMAGE = "r.example/x:1";

interface Shape {
  readonly phase?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly ip?: string;
  readonly ready?: string;
  readonly containersReady?: string;
  readonly scheduled?: { status: string; reason: string; message: string };
  readonly state?: unknown;
  readonly lastState?: unknown;
  readonly restarts?: number;
  readonly deleted?: boolean;
  readonly ageSeconds?: number;
  readonly noContainer?: boolean;
  readonly started?: boolean;
  /** Seconds since the readiness changed. */
  readonly readySince?: number;
  readonly isLast?: boolean;
}

function pod(shape: Shape): Pod {
  const { ready = "False" } = shape;
  return Pod.parse({
    metadata: {
      name: "app-x1",
      uid: "u",
      resourceVersion: "1",
      creationTimestamp: at(shape.ageSeconds ?? 5),
      ...(shape.deleted === true ? { deletionTimestamp: at(1) } : {}),
    },
    spec: {
      nodeName: "node-1",
      containers: [{
        name: "deployment",
        image: IMAGE,
        resources: { limits: { cpu: "1", memory: "128Mi" } },
      }],
    },
    status: {
      phase: shape.phase ?? "Running",
      podIP: shape.ip ?? "10.0.0.7",
      reason: shape.reason,
      message: shape.message,
      conditions: [
        ...(ready === "" ? [] : [{
          type: "Ready",
          status: ready,
          ...(shape.readySince === undefined ? {} : { lastTransitionTime: at(shape.readySince) }),
        }]),
        { type: "ContainersReady", status: shape.containersReady ?? ready },
        ...(shape.scheduled === undefined ? [] : [{ type: "PodScheduled", ...shape.scheduled }]),
      ],
      containerStatuses: shape.noContainer === true ? [] : [{
        name: "deployment",
        containerID: "containerd://1",
        restartCount: shape.restarts ?? 0,
        ...(shape.started === undefined ? {} : { started: shape.started }),
        state: shape.state ?? { running: { startedAt: at(1) } },
        ...(shape.lastState === undefined ? {} : { lastState: shape.lastState }),
      }],
    },
  });
}

const waiting = (reason: string, message = "") => ({ waiting: { reason, message } });
const terminated = (exitCode: number, reason = "Error", message = "") => ({
  terminated: { exitCode, reason, message, containerID: "containerd://0" },
});
const RUNS_LONG = { running: { startedAt: at(60) } };

interface Case {
  readonly name: string;
  readonly shape: Shape;
  readonly want: readonly [status: string, reason: string, text: RegExp];
  readonly exitCode?: number;
  readonly againMs?: number;
  readonly path?: string;
  readonly pullError?: string;
}

const CASES: readonly Case[] = [
  { name: "ready", shape: { ready: "True" }, want: ["running", "", /^$/] },
  {
    name: "ready is not said",
    shape: { ready: "" },
    want: ["pending", "starting", /starting/],
    againMs: 2_000,
  },
  {
    name: "ready without an address",
    shape: { ready: "True", ip: "" },
    want: ["pending", "starting", /./],
    againMs: 2_000,
  },
  { name: "just started", shape: {}, want: ["pending", "starting", /starting/], againMs: 2_000 },
  {
    name: "not listening",
    shape: { state: RUNS_LONG },
    want: ["pending", "not_listening", /port 8080.*0\.0\.0\.0:8080/],
  },
  {
    name: "not listening on its path",
    shape: { state: RUNS_LONG },
    path: "/up",
    want: ["pending", "not_listening", /GET \/up on port 8080/],
  },
  {
    name: "unhealthy beside another pod that answers",
    shape: { state: RUNS_LONG, started: true, readySince: 3 },
    path: "/up",
    want: ["pending", "unhealthy", /GET \/up on port 8080 does not answer/],
  },
  {
    name: "unhealthy as the last one that could answer",
    shape: { state: RUNS_LONG, started: true, readySince: 3, isLast: true },
    want: ["running", "unhealthy", /port 8080/],
  },
  {
    name: "started, and not ready since before its start: it was never ready in this run",
    shape: { state: RUNS_LONG, started: true, readySince: 100_000, isLast: true },
    want: ["pending", "not_listening", /port 8080/],
  },
  {
    name: "not scheduled",
    shape: {
      phase: "Pending",
      ip: "",
      noContainer: true,
      scheduled: { status: "False", reason: "Unschedulable", message: "0/1 nodes: Insufficient memory" },
    },
    want: ["pending", "unschedulable", /Insufficient memory/],
  },
  {
    name: "not created yet",
    shape: { phase: "Pending", noContainer: true },
    want: ["pending", "creating", /./],
  },
  {
    name: "image being pulled",
    shape: { phase: "Pending", state: waiting("ContainerCreating") },
    want: ["pending", "creating", /./],
  },
  {
    name: "image refused",
    shape: { phase: "Pending", state: waiting("ErrImagePull", `reading "s3cret": ${IMAGE}: not found`) },
    want: [
      "failed",
      "image_pull",
      /^The image "r\.example\/x:1" could not be pulled: it does not exist, or it is private\.$/,
    ],
    pullError: `reading "s3cret": ${IMAGE}: not found`,
  },
  {
    name: "image name wrong",
    shape: { phase: "Pending", state: waiting("InvalidImageName", "bad") },
    want: ["failed", "image_pull", /"r\.example\/x:1" could not be pulled: its name is not valid/],
    pullError: "bad",
  },
  {
    name: "registry in trouble",
    shape: { phase: "Pending", state: waiting("ImagePullBackOff", "502 Bad Gateway"), ageSeconds: 10 },
    want: ["pending", "image_pulling", /answers with errors of its own/],
    pullError: "502 Bad Gateway",
    againMs: 20_000,
  },
  {
    name: "registry in trouble for long",
    shape: { phase: "Pending", state: waiting("ImagePullBackOff", "502 Bad Gateway"), ageSeconds: 31 },
    want: ["failed", "image_pull", /answers with errors of its own/],
    pullError: "502 Bad Gateway",
  },
  {
    name: "Secret missing",
    shape: { phase: "Pending", state: waiting("CreateContainerConfigError", 'secret "x" not found') },
    want: ["failed", "crash_loop", /cannot be started: secret "x" not found/],
  },
  {
    name: "command missing",
    shape: {
      state: waiting("CrashLoopBackOff"),
      lastState: terminated(128, "StartError", "no /app"),
      restarts: 1,
    },
    want: ["failed", "crash_loop", /cannot be started: no \/app/],
  },
  {
    name: "ended once",
    shape: { state: terminated(3) },
    want: ["failed", "exited", /ended with exit code 3\./],
    exitCode: 3,
  },
  {
    name: "ended by itself",
    shape: { state: terminated(0, "Completed") },
    want: ["failed", "exited", /exit code 0: it must keep running/],
    exitCode: 0,
  },
  {
    name: "crash loop",
    shape: { state: waiting("CrashLoopBackOff"), lastState: terminated(137), restarts: 1 },
    want: ["failed", "crash_loop", /ended 2 times with exit code 137 \(signal 9\)/],
    exitCode: 137,
  },
  {
    name: "crash loop, running in between",
    shape: { lastState: terminated(1), restarts: 2 },
    want: ["failed", "crash_loop", /ended 2 times/],
    exitCode: 1,
  },
  {
    name: "second try",
    shape: { lastState: terminated(1), restarts: 1 },
    want: ["pending", "starting", /./],
    againMs: 2_000,
  },
  {
    name: "recovered",
    shape: { ready: "True", lastState: terminated(1), restarts: 9 },
    want: ["running", "", /^$/],
  },
  {
    name: "out of memory",
    shape: { state: terminated(137, "OOMKilled") },
    want: ["failed", "oom_killed", /more than its 128 MiB/],
    exitCode: 137,
  },
  {
    name: "out of memory, running in between",
    shape: { lastState: terminated(137, "OOMKilled"), restarts: 1 },
    want: ["failed", "oom_killed", /128 MiB/],
    exitCode: 137,
  },
  {
    name: "node lost",
    shape: { ready: "False", containersReady: "True", state: RUNS_LONG },
    want: ["pending", "node_not_ready", /"node-1"/],
  },
  {
    name: "node unknown",
    shape: { phase: "Unknown", ready: "True" },
    want: ["pending", "node_not_ready", /"node-1"/],
  },
  { name: "readiness unknown", shape: { ready: "Unknown" }, want: ["pending", "node_not_ready", /"node-1"/] },
  {
    name: "evicted",
    shape: { phase: "Failed", reason: "Evicted", message: "disk is full", noContainer: true },
    want: ["failed", "evicted", /disk is full/],
  },
  {
    name: "succeeded",
    shape: { phase: "Succeeded", ready: "True", state: terminated(0) },
    want: ["failed", "ended", /Succeeded/],
    exitCode: 0,
  },
];

Deno.test("derivePod()", async (t) => {
  for (const { name, shape, want, exitCode, againMs, path = "", pullError } of CASES) {
    await t.step(name, () => {
      const facts = {
        pod: pod(shape),
        port: 8080,
        healthCheck: plainCheck(path),
        lastLines: ["last"],
        nowMs: NOW,
        isLast: shape.isLast ?? false,
      };
      const derived = derivePod(facts);
      const { address, message, reason, status, ...rest } = derived.instance;
      assert.deepEqual([status, reason], want.slice(0, 2));
      assert.match(message, want[2]);
      assert.equal(rest.exitCode, exitCode);
      assert.equal(derived.againMs, againMs);
      assert.equal(derived.pullError, pullError);
      assert.equal(address, status === "running" ? "10.0.0.7:8080" : "", "only what runs has an address");
      assert.deepEqual([rest.cpuMillicores, rest.memoryMib, rest.restarts], [
        1_000,
        128,
        shape.restarts ?? 0,
      ]);
      const hasLines = ["exited", "oom_killed", "unhealthy", "not_listening"].includes(reason) ||
        exitCode !== undefined && reason === "crash_loop";
      assert.deepEqual(rest.lastLogLines, hasLines ? ["last"] : []);
    });
  }
});

/** Traffic to a pod that ends fails. */
Deno.test("isRunning() is false for a pod that terminates, has ended, or was never reported ready", () => {
  assert.equal(isRunning(pod({ ready: "True" })), true);
  assert.equal(isRunning(pod({ ready: "True", deleted: true })), false);
  assert.equal(isRunning(pod({ ready: "True", phase: "Succeeded" })), false);
  assert.equal(isRunning(pod({ ready: "True", phase: "Unknown" })), false);
  assert.equal(isRunning(pod({ ready: "True", noContainer: true })), false);
  assert.equal(isRunning(pod({ ready: "" })), false);
  assert.equal(isFinished(pod({ phase: "Failed" })), true);
});

Deno.test("derivePod() tells of the end of the run before while the pod runs again", () => {
  const lastState = {
    terminated: { exitCode: 137, reason: "OOMKilled", containerID: "containerd://0", finishedAt: at(60) },
  };
  const facts = { port: 80, healthCheck: plainCheck(""), lastLines: [], nowMs: NOW, isLast: false };
  const { instance } = derivePod({ pod: pod({ ready: "True", restarts: 4, lastState }), ...facts });
  assert.equal(instance.status, "running");
  assert.deepEqual(instance.lastEnd, {
    reason: "oom_killed",
    message: "The app was killed because it used more than its 128 MiB of memory.",
    exitCode: 137,
    atMs: NOW - 60_000,
  });
});

Deno.test("derivePod() writes IPv6 addresses as URLs do", () => {
  const facts = { port: 80, healthCheck: plainCheck(""), lastLines: [], nowMs: NOW, isLast: false };
  assert.equal(
    derivePod({ ...facts, pod: pod({ ready: "True", ip: "fd00::7" }) }).instance.address,
    "[fd00::7]:80",
  );
});
