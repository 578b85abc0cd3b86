import assert from "node:assert/strict";
import { plainCheck } from "../../deployment/health_check.ts";
import type { Instance } from "../port.ts";
import { type ContainerFacts, deriveInstance } from "./status.ts";

type Status = NonNullable<ContainerFacts["container"]>["state"]["status"];

function facts(status: Status, changes: Partial<ContainerFacts> = {}): ContainerFacts {
  return {
    name: "unkey-a-0",
    port: 3000,
    healthCheck: plainCheck(""),
    publishAddress: "127.0.0.1",
    container: {
      state: {
        status,
        exitCode: 0,
        oomKilled: false,
        error: "",
        startedAt: "2026-01-01T00:00:00Z",
        finishedAt: "",
      },
      hostPorts: new Map([[3000, 20_001]]),
      labels: {},
      limits: { cpuMillicores: 250, memoryBytes: 64 * 1024 * 1024, pidsMax: 10 },
    },
    health: { kind: "unknown" },
    recentLines: [],
    isLast: false,
    exits: 0,
    lastExit: undefined,
    startTrouble: undefined,
    pull: { kind: "idle" },
    restarts: 0,
    ...changes,
  };
}

const exit = { exitCode: 1, oomKilled: false, lastLines: ["boom"], atMs: 7 };
const healthy = { kind: "healthy" } as const;
const refusing = { kind: "unhealthy", detail: "connection refused", sinceMs: 1, wasHealthy: false } as const;
const failing = { kind: "unhealthy", detail: "it answered 500", sinceMs: 1, wasHealthy: true } as const;

const CASES: readonly {
  readonly name: string;
  readonly facts: ContainerFacts;
  readonly want: Partial<Instance>;
  readonly message?: RegExp;
}[] = [
  {
    name: "running and healthy",
    facts: facts("running", { health: healthy, exits: 2, lastExit: exit }),
    want: { status: "running", address: "127.0.0.1:20001", reason: "", message: "", lastLogLines: [] },
  },
  {
    name: "running, no answer yet: absent is not healthy",
    facts: facts("running"),
    want: { status: "pending", address: "", reason: "starting" },
  },
  {
    name: "running, refuses",
    facts: facts("running", { health: refusing }),
    want: { status: "pending", address: "", reason: "not_listening" },
    message: /port 3000 \(connection refused\)/,
  },
  {
    name: "running, and failing for a moment, beside another one that answers",
    facts: facts("running", { health: { kind: "failing", detail: "it answered 500", sinceMs: 1 } }),
    want: { status: "running", address: "127.0.0.1:20001", reason: "unhealthy" },
    message: /it answered 500|nothing answers/,
  },
  {
    name: "running, and failing after it has answered, beside another one that answers",
    facts: facts("running", {
      health: failing,
      healthCheck: plainCheck("/healthz"),
      recentLines: ["no database"],
    }),
    want: { status: "pending", address: "", reason: "unhealthy", lastLogLines: ["no database"] },
    message: /GET \/healthz on port 3000 does not answer 2xx or 3xx \(it answered 500\)\.$/,
  },
  {
    name: "running, and failing after it has answered, as the last one",
    facts: facts("running", { health: failing, isLast: true }),
    want: { status: "running", address: "127.0.0.1:20001", reason: "unhealthy" },
  },
  {
    name: "never healthy, as the last one",
    facts: facts("running", { health: refusing, isLast: true }),
    want: { status: "pending", address: "", reason: "not_listening" },
  },
  {
    name: "running again after an end that is reported",
    facts: facts("running", { health: healthy, lastExit: { ...exit, oomKilled: true } }),
    want: {
      status: "running",
      lastEnd: {
        reason: "oom_killed",
        message: "The app was killed because it used more than its 64 MiB of memory.",
        exitCode: 1,
        atMs: 7,
      },
    },
  },
  {
    name: "restarted by the agent",
    facts: facts("exited", {
      exits: 1,
      lastExit: { ...exit, stoppedBecause: "nothing answers on port 1 (x)" },
    }),
    want: { status: "failed", reason: "unhealthy" },
    message: /^The app was restarted because nothing answers on port 1 \(x\)\.$/,
  },
  {
    name: "running again after one end",
    facts: facts("running", { exits: 1, lastExit: exit }),
    want: { status: "pending", reason: "starting" },
  },
  {
    name: "running for a moment in a crash loop",
    facts: facts("running", { exits: 3, lastExit: exit, restarts: 2 }),
    want: { status: "failed", reason: "crash_loop", exitCode: 1, restarts: 2, lastLogLines: ["boom"] },
  },
  {
    name: "ended once",
    facts: facts("restarting", { exits: 1, lastExit: exit, health: healthy }),
    want: { status: "failed", address: "", reason: "exited", exitCode: 1 },
    message: /ended with exit code 1\.$/,
  },
  {
    name: "ended by itself",
    facts: facts("restarting", { exits: 3, lastExit: { ...exit, exitCode: 0 } }),
    want: { status: "failed", reason: "crash_loop", exitCode: 0 },
    message: /must keep running/,
  },
  {
    name: "killed by a signal",
    facts: facts("exited", { exits: 1, lastExit: { ...exit, exitCode: 139 } }),
    want: { status: "failed", exitCode: 139 },
    message: /signal 11/,
  },
  {
    name: "out of memory, also while it runs again",
    facts: facts("running", { exits: 1, lastExit: { ...exit, exitCode: 137, oomKilled: true } }),
    want: { status: "failed", reason: "oom_killed", exitCode: 137 },
    message: /64 MiB/,
  },
  {
    name: "cannot be started",
    facts: facts("created", {
      startTrouble: { reason: "crash_loop", message: "The container cannot be started: exec: not found" },
    }),
    want: { status: "failed", reason: "crash_loop" },
    message: /exec: not found/,
  },
  { name: "paused by hand", facts: facts("paused"), want: { status: "pending", address: "" } },
  {
    name: "the image is on its way",
    facts: facts("created", { container: undefined, pull: { kind: "pulling" } }),
    want: { status: "pending", reason: "image_pulling", cpuMillicores: 0 },
  },
  {
    name: "the image cannot be had",
    facts: facts("created", { container: undefined, pull: { kind: "failed", message: "no such image" } }),
    want: { status: "failed", reason: "image_pull", message: "no such image" },
  },
];

Deno.test("deriveInstance()", async (t) => {
  for (const { name, facts, want, message } of CASES) {
    await t.step(name, () => {
      const found = deriveInstance(facts);
      assert.deepEqual({ ...found, ...want }, found);
      if (message !== undefined) assert.match(found.message, message);
    });
  }
});

/** The edge connects to every address that a report has. */
Deno.test("deriveInstance() gives an address only to a healthy running container", () => {
  const states: Status[] = ["created", "paused", "restarting", "removing", "exited", "dead"];
  for (const status of states) {
    const found = deriveInstance(facts(status, { health: healthy, lastExit: exit }));
    assert.equal(found.address, "", status);
    assert.notEqual(found.status, "running", status);
  }
});

Deno.test("an instance at a published port has brackets around an IPv6 address", () => {
  const address = (publishAddress: string) =>
    deriveInstance(facts("running", { health: healthy, publishAddress })).address;
  assert.equal(address("fd00::5"), "[fd00::5]:20001");
  assert.equal(address("10.0.0.5"), "10.0.0.5:20001");
});
