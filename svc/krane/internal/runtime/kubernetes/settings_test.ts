import assert from "node:assert/strict";
import { KUBERNETES_FIELDS } from "../../../config_kubernetes.ts";
import { disruptionBudget } from "./disruption_budget.ts";
import { networkPolicy } from "./network_policy.ts";
import { replicaSet } from "./replica_set.ts";
import { sentinelDeployment, sentinelNetworkPolicy } from "./sentinel_manifest.ts";
import { DESIRED, SENTINEL, SENTINEL_SETTINGS, settings } from "./testing_manifests.ts";

const OWNER = { uid: "u" };

/** All objects of one app and one sentinel whose deployment names no limits. */
function objects(flags: Readonly<Record<string, string>>): string {
  const given = settings(flags);
  const desired = { ...DESIRED, replicas: 1, cpuMillicores: 0, memoryMib: 0 };
  const forSentinels = { ...SENTINEL_SETTINGS, ...given };
  return JSON.stringify([
    replicaSet(desired, { replicas: 1, revision: "r" }, given),
    networkPolicy(desired, given),
    disruptionBudget(desired, OWNER, { isRelaxed: false, settings: given }),
    sentinelDeployment(SENTINEL, 1, forSentinels),
    sentinelNetworkPolicy(SENTINEL, OWNER, forSentinels),
  ]);
}

/** A value other than the default, and what it makes of the objects. */
const EFFECTS: Readonly<Record<string, readonly [value: string, text: RegExp]>> = {
  "runtime-class": ["gvisor", /"runtimeClassName":"gvisor"/],
  "node-selector": ["pool=apps", /"nodeSelector":\{"pool":"apps"\}/],
  tolerations: ["pool=apps:NoExecute:7", /"value":"apps","effect":"NoExecute","tolerationSeconds":7/],
  "node-lost-seconds": ["11", /unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":11/],
  evictions: ["allow", /"minAvailable":0/],
  "pod-security": ["restricted", /"runAsNonRoot":true,"seccompProfile"/],
  "pod-labels": ["team=shop", /"labels":\{"team":"shop"/],
  "pod-annotations": ["a=b", /"annotations":\{"a":"b"/],
  "image-pull-secrets": ["mirror", /"imagePullSecrets":\[\{"name":"mirror"\}\]/],
  capabilities: ["CHOWN", /"drop":\["ALL"\],"add":\["CHOWN"\]/],
  "edge-namespaces": ["ingress", /"kubernetes.io\/metadata.name":"ingress"/],
  "sentinel-namespace": ["guards", /"namespace":"guards"/],
  "sentinel-control-plane-url": ["https://inside.example", /"value":"https:\/\/inside.example"/],
  "sentinel-node-selector": ["pool=guards", /"nodeSelector":\{"pool":"guards"\}/],
  "sentinel-tolerations": ["guard", /"tolerations":\[\{"key":"guard","operator":"Exists"\}\]/],
  "ingress-cidrs": ["10.9.0.0/16", /"cidr":"10.9.0.0\/16"/],
  "egress-denied-cidrs": ["10.8.0.0/16", /"except":\["10.8.0.0\/16"\]/],
  "dns-servers": [
    "10.7.0.1",
    /"ipBlock":\{"cidr":"10.7.0.1\/32"\}\}\],"ports":\[\{"protocol":"UDP","port":53\}/,
  ],
  "dns-namespaces": ["names", /"kubernetes.io\/metadata.name":"names"/],
  "pod-token": ["true", /"serviceAccountToken":/],
  "cpu-request-percent": ["50", /"requests":\{"cpu":"250m"/],
  "ephemeral-storage-mib-default": ["96", /"ephemeral-storage":"96Mi"/],
  "cpu-millicores-default": ["700", /"limits":\{"cpu":"700m"/],
  "memory-mib-default": ["333", /"memory":"333Mi"/],
  "drain-ms": ["9000", /"preStop":\{"sleep":\{"seconds":9\}\}/],
  "stop-grace-seconds": ["77", /"terminationGracePeriodSeconds":80/],
};

/** Not of objects: where the cluster is, and what `moves_test.ts` and `lease_test.ts` are about. */
const ELSEWHERE = ["kubeconfig", "kube-context", "lease-namespace", "drain-taints", "drain-wait-seconds"];

Deno.test("each setting of pods has its effect", async (t) => {
  const known = [...Object.keys(EFFECTS), ...ELSEWHERE];
  const missing = Object.values(KUBERNETES_FIELDS).map(({ flag }) => flag ?? "").filter((flag) =>
    !known.includes(flag)
  );
  assert.deepEqual(missing, [], "the test knows every setting");
  const before = objects({});
  for (const [flag, [value, text]] of Object.entries(EFFECTS)) {
    await t.step(flag, () => {
      assert.doesNotMatch(before, text, "it is not so by default");
      assert.match(objects({ [flag]: value }), text);
    });
  }
});
