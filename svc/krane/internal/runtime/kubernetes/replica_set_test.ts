import assert from "node:assert/strict";
import { isFault } from "../../../../../pkg/fault/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import { disruptionBudget } from "./disruption_budget.ts";
import { plainCheck } from "../../deployment/health_check.ts";
import { probeProblem, probes } from "./probes.ts";
import { replicaSet, specHash } from "./replica_set.ts";
import type { KubernetesSettings } from "./settings.ts";
import { ALL_SET, DESIRED, goldenTest, REGISTRY, settings } from "./testing_manifests.ts";

goldenTest("replicaSet() makes the ReplicaSets of the golden files", {
  "replica_set": () => replicaSet(DESIRED, { replicas: 2, revision: "abc" }, settings()),
  "replica_set_all_settings": () =>
    replicaSet(
      {
        ...DESIRED,
        command: ["serve", "--fast"],
        healthCheck: {
          ...plainCheck("/health", "shop-acme.localhost"),
          headers: { "x-probe": "1" },
          intervalMs: 20_000,
          timeoutMs: 1_500,
          unhealthyMs: 45_000,
          restartMs: 90_000,
        },
        stopSignal: "SIGQUIT",
        stopSeconds: 45,
        init: true,
        initAsked: true,
        buildId: "build_E5",
        ephemeralStorageMib: 512,
      },
      { replicas: 0, revision: undefined },
      { ...ALL_SET, registry: REGISTRY },
    ),
});

goldenTest("disruptionBudget() makes the budgets of the golden files", {
  "disruption_budget": () =>
    disruptionBudget(DESIRED, { uid: "u1" }, { isRelaxed: false, settings: settings() }),
});

Deno.test("disruptionBudget() keeps an app's only pod, and all but one of several", () => {
  const kept = (replicas: number, isRelaxed = false, all: KubernetesSettings = settings()): unknown => {
    const { spec } = disruptionBudget({ ...DESIRED, replicas }, { uid: "u" }, { isRelaxed, settings: all });
    return spec !== null && typeof spec === "object" && "minAvailable" in spec && spec.minAvailable;
  };
  assert.deepEqual([0, 1, 2, 5].map((replicas) => kept(replicas)), [0, 1, 1, 4]);
  assert.equal(kept(1, true), 0, "a drain that waited for too long");
  assert.equal(kept(1, false, ALL_SET), 0, "an operator who lets autoscalers evict");
});

/** A hash that misses one of these would leave the old app running. */
Deno.test("specHash() changes with each setting that a running pod shows, and with no other", () => {
  const hash = (changes: Partial<DesiredDeployment>, revision = "r", flags = {}) =>
    specHash({ ...DESIRED, ...changes }, revision, settings(flags));
  const base = hash({});
  const different: Partial<DesiredDeployment>[] = [
    { image: "other" },
    { command: ["x"] },
    { port: 81 },
    { healthCheck: plainCheck("/x") },
    { cpuMillicores: 251 },
    { memoryMib: 257 },
    { ephemeralStorageMib: 99 },
  ];
  for (const changes of different) assert.notEqual(hash(changes), base, JSON.stringify(changes));
  assert.notEqual(hash({}, "s"), base);
  assert.equal(hash({ replicas: 9, buildId: "b", stopSignal: "SIGINT", stopSeconds: 5, init: false }), base);
  const forNextPods = {
    tolerations: "none",
    "runtime-class": "gvisor",
    capabilities: "none",
    "pod-labels": "team=x",
    "pod-annotations": "a=b",
    "pod-security": "restricted",
    "node-lost-seconds": "5",
  };
  assert.equal(hash({}, "r", forNextPods), base);
});

Deno.test("an id that cannot be a label is refused", () => {
  assert.throws(
    () => replicaSet({ ...DESIRED, projectId: "a/b" }, { replicas: 1, revision: undefined }, settings()),
    (error) => isFault(error, "invalid_argument"),
  );
});

Deno.test("probes() runs the command of an image's check once the port accepts connections", () => {
  const healthCheck = {
    ...plainCheck(""),
    kind: "command",
    command: ["/check", "me"],
    unhealthyMs: 30_000,
  } as const;
  const made = probes({ healthCheck, port: 80 });
  assert.ok(made !== undefined);
  const { startupProbe, readinessProbe, livenessProbe } = made;
  assert.deepEqual(startupProbe.tcpSocket, { port: 80 });
  for (const probe of [readinessProbe, livenessProbe]) {
    assert.deepEqual(probe.exec?.command, ["/check", "me"]);
  }
  assert.deepEqual([readinessProbe.periodSeconds, readinessProbe.failureThreshold], [2, 15]);
});

Deno.test("probeProblem() names what the kubelet cannot ask", () => {
  assert.equal(probeProblem(plainCheck("/x")), undefined);
  assert.match(probeProblem({ ...plainCheck("/x"), method: "HEAD" }) ?? "", /with GET, not with HEAD/);
  assert.match(
    probeProblem({ ...plainCheck("/x"), expectedStatus: "401" }) ?? "",
    /200-399 as healthy, not 401/,
  );
});
