import assert from "node:assert/strict";
import { Fault } from "../../../../../pkg/fault/mod.ts";
import { ApiFault } from "../../../../../pkg/kube/mod.ts";
import { nodeRefusal, placementRefusal, podRefusal } from "./refusals.ts";

const PODS: readonly (readonly [said: string, reason: string, text: RegExp])[] = [
  [
    'pods "a-x1" is forbidden: exceeded quota: apps, requested: pods=1, used: pods=2, limited: pods=2',
    "quota",
    /take the app's pods: exceeded quota: apps, .*limited: pods=2\. It starts by itself.*unkey stop/,
  ],
  [
    'pods "a-x1" is forbidden: exceeded quota: q, requested: limits.memory=256Mi, used: limits.memory=0, limited: limits.memory=128Mi',
    "refused",
    /no room for an app of this size/,
  ],
  [
    'pods "a-x1" is forbidden: exceeded quota: q, requested: cpu=1,memory=1Gi, used: cpu=500m,memory=10Mi, limited: cpu=1,memory=1Gi',
    "quota",
    /as soon as there is room/,
  ],
  [
    'pods "a-x1" is forbidden: maximum memory usage per Container is 128Mi, but limit is 256Mi',
    "refused",
    /but limit is 256Mi\. Give the app a size that is allowed \(unkey deploy --memory/,
  ],
  [
    'pods "a-x1" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true (pod "x" must set it)',
    "refused",
    /runAsNonRoot != true .* The region's operator lowers the level/,
  ],
  ['pods "a-x1" is forbidden: pod rejected: RuntimeClass "gvisor" not found', "refused", /--runtime-class/],
  [
    "pods \"a-x1\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no label team",
    "refused",
    /no label team\. It is a policy of the cluster/,
  ],
  [
    'Internal error occurred: failed calling webhook "v.example": connect: connection refused',
    "cluster_trouble",
    /connection refused\. It starts by itself/,
  ],
  [
    'pods "a-x1" is forbidden: error looking up service account ns/default: serviceaccount "default" not found',
    "cluster_trouble",
    /starts by itself/,
  ],
  ['pods "a-x1" is forbidden: no PriorityClass with name gold was found', "refused", /operator finds out/],
];

Deno.test("podRefusal() tells room, which waiting may give, from rules, which it does not", async (t) => {
  for (const [said, reason, text] of PODS) {
    await t.step(said, () => {
      const refusal = podRefusal(said);
      assert.equal(refusal.reason, reason);
      assert.match(refusal.message, text);
      assert.deepEqual(podRefusal(said.replaceAll("a-x1", "a-z9")), refusal, "the same for the next pod");
    });
  }
});

const api = (status: number, reason: string, said: string): Fault =>
  new ApiFault(status, reason, `Kubernetes answered PATCH with ${status}`, `Kubernetes: ${said}`);

const PLACEMENTS: readonly (readonly [error: unknown, reason: string | undefined, text?: RegExp])[] = [
  [
    api(422, "Invalid", 'replicasets.apps "a" is invalid: denied request: every workload needs a label team'),
    "refused",
    /^Kubernetes does not take the app: denied request: every workload needs a label team\. It is a policy/,
  ],
  [
    api(
      403,
      "Forbidden",
      'replicasets.apps "a" is forbidden: User "krane" cannot patch resource "replicasets"',
    ),
    "refused",
    /gives the agent this right/,
  ],
  [
    api(403, "Forbidden", "unable to create new content in namespace n because it is being terminated"),
    "cluster_trouble",
    /as soon as the namespace is gone/,
  ],
  [api(409, "Conflict", "the object has been modified"), "cluster_trouble", /operator looks at the cluster/],
  [api(500, "InternalError", "etcdserver: no leader"), "cluster_trouble", /cannot start the app: etcdserver/],
  [
    new Fault("unavailable", "cannot reach https://10.0.0.1"),
    "cluster_trouble",
    /Kubernetes does not answer it\./,
  ],
  [new Fault("invalid_argument", '"x y" cannot be the value of a label'), "refused", /value of a label/],
  [new TypeError("a bug"), undefined],
];

Deno.test("placementRefusal() is for answers of the cluster, and passes bugs on", async (t) => {
  for (const [error, reason, text] of PLACEMENTS) {
    await t.step(String(error), () => {
      const refusal = placementRefusal(error);
      assert.equal(refusal?.reason, reason);
      if (text !== undefined) assert.match(refusal?.message ?? "", text);
    });
  }
});

Deno.test("nodeRefusal() is about what keeps a pod from starting, without the ids of single attempts", () => {
  const sandbox = (cause: string, id: string) => ({
    reason: "FailedCreatePodSandBox",
    message: `Failed to create pod sandbox: rpc error: for sandbox "${id.repeat(64)}": ${cause}`,
  });
  const missing = nodeRefusal(sandbox('no runtime for "runsc" is configured', "a"));
  assert.equal(missing?.reason, "refused");
  assert.match(
    missing?.message ?? "",
    /no runtime for "runsc" is configured\. The region's operator installs/,
  );
  const crowded = nodeRefusal(sandbox("no IP addresses available in range set", "a"));
  assert.equal(crowded?.reason, "sandbox");
  assert.deepEqual(nodeRefusal(sandbox("no IP addresses available in range set", "b")), crowded);
  assert.equal(nodeRefusal({ reason: "FailedMount", message: "timed out" })?.reason, "mount");
  assert.equal(nodeRefusal({ reason: "BackOff", message: "Back-off restarting" }), undefined);
});
