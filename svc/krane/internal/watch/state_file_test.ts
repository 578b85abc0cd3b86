import assert from "node:assert/strict";
import { plainCheck } from "../deployment/health_check.ts";
import type { DesiredDeployment } from "../deployment/desired.ts";
import { digestDesired } from "./state_file.ts";

function desired(name: string, changes: Partial<DesiredDeployment> = {}): DesiredDeployment {
  return {
    name,
    namespace: "ns",
    workspaceId: "ws_1",
    projectId: "proj_1",
    environmentId: "env_1",
    deploymentId: `d_${name}`,
    image: "app:1",
    replicas: 1,
    cpuMillicores: 250,
    memoryMib: 256,
    pidsMax: 64,
    ephemeralStorageMib: 0,
    command: [],
    port: 8080,
    healthCheck: plainCheck(""),
    stopSignal: "",
    stopSeconds: 0,
    init: false,
    initAsked: false,
    reportsUsage: false,
    tasks: [],
    env: { A: "1", B: "2" },
    buildId: "",
    commit: { sha: "", branch: "", authorHandle: "" },
    blobSha256: "",
    ...changes,
  };
}

Deno.test("the digest of desired states is the same in any order, also of their variables", () => {
  const all = digestDesired([desired("a"), desired("b")]);
  assert.equal(digestDesired([desired("b"), desired("a", { env: { B: "2", A: "1" } })]), all);
});

Deno.test("the digest of desired states is another one when any part of one changes", () => {
  const changes: readonly Partial<DesiredDeployment>[] = [
    { image: "app:2" },
    { replicas: 2 },
    { env: { A: "1", B: "3" } },
    { command: ["serve"] },
    { commit: { sha: "c0ffee", branch: "", authorHandle: "" } },
  ];
  const digests = [
    digestDesired([]),
    digestDesired([desired("a")]),
    digestDesired([desired("a"), desired("b")]),
    ...changes.map((each) => digestDesired([desired("a", each)])),
  ];
  assert.equal(new Set(digests).size, digests.length);
});

/** Of ten thousand states a few are new at each save. */
Deno.test("the digest of desired states reads each state once, however often it is made", () => {
  let reads = 0;
  const counted = new Proxy(desired("a"), {
    get(target, key, receiver) {
      if (key === "env") reads++;
      return Reflect.get(target, key, receiver);
    },
  });
  const first = digestDesired([counted]);
  const readsOfOne = reads;
  assert.ok(readsOfOne > 0);
  digestDesired([counted, desired("b")]);
  assert.equal(digestDesired([counted]), first);
  assert.equal(reads, readsOfOne);
});
