import assert from "node:assert/strict";
import { isFault } from "../../../../../pkg/fault/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import { replicaSet, specHash } from "./replica_set.ts";
import { ALL_SET, DESIRED, goldenTest, REGISTRY, settings } from "./testing_manifests.ts";

goldenTest("replicaSet() makes the ReplicaSets of the golden files", {
  "replica_set": () => replicaSet(DESIRED, { replicas: 2, revision: "abc" }, settings()),
  "replica_set_all_settings": () =>
    replicaSet(
      {
        ...DESIRED,
        command: ["serve", "--fast"],
        healthCheckPath: "/health",
        healthCheckHost: "shop-acme.localhost",
        buildId: "build_E5",
        ephemeralStorageMib: 512,
      },
      { replicas: 0, revision: undefined },
      { ...ALL_SET, registry: REGISTRY },
    ),
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
    { healthCheckPath: "/x" },
    { cpuMillicores: 251 },
    { memoryMib: 257 },
    { ephemeralStorageMib: 99 },
  ];
  for (const changes of different) assert.notEqual(hash(changes), base, JSON.stringify(changes));
  assert.notEqual(hash({}, "s"), base);
  assert.equal(hash({ replicas: 9, buildId: "b" }), base);
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
