/** Refusals of a cluster: the agent tells them, and the app comes back when their cause is gone. */
import assert from "node:assert/strict";
import { ANNOTATION } from "../../svc/krane/internal/runtime/kubernetes/labels.ts";
import { Status, until } from "../../svc/krane/testing.ts";
import { type Cluster, kubectl, onCluster } from "../testbed/cluster.ts";
import { KraneBed } from "./krane_bed.ts";

const named = (
  kind: string,
  apiVersion: string,
  name: string,
  namespace: string | undefined,
  spec: unknown,
) =>
  JSON.stringify({
    apiVersion,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    spec,
  });

const quota = (namespace: string, pods: number): string =>
  named("ResourceQuota", "v1", "few-pods", namespace, { hard: { pods: String(pods) } });
const limitRange = (namespace: string): string =>
  named("LimitRange", "v1", "small", namespace, { limits: [{ type: "Container", max: { memory: "48Mi" } }] });

/** Refuses ReplicaSets of one namespace that have no label `team`. */
function policy(name: string, namespace: string): string {
  const rule = named("ValidatingAdmissionPolicy", "admissionregistration.k8s.io/v1", name, undefined, {
    failurePolicy: "Fail",
    matchConstraints: {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
      resourceRules: [{
        apiGroups: ["apps"],
        apiVersions: ["v1"],
        operations: ["CREATE", "UPDATE"],
        resources: ["replicasets"],
      }],
    },
    validations: [{
      expression: '"team" in object.metadata.labels',
      message: "every workload needs a label team",
    }],
  });
  const binding = named(
    "ValidatingAdmissionPolicyBinding",
    "admissionregistration.k8s.io/v1",
    name,
    undefined,
    {
      policyName: name,
      validationActions: ["Deny"],
    },
  );
  return `${rule}\n---\n${binding}`;
}

const apply = (cluster: Cluster, text: string): Promise<string> =>
  kubectl(cluster, ["apply", "-f", "-"], text);
const remove = (cluster: Cluster, text: string): Promise<string> =>
  kubectl(cluster, ["delete", "--ignore-not-found", "-f", "-"], text);

/** Waits for a reported reason of a deployment, and returns its instance. */
function reported(bed: KraneBed, name: string, reason: string) {
  return until(
    `${name} to be reported as ${reason}`,
    () => bed.plane.instances(name).find((each) => each.reason === reason),
  );
}

onCluster(
  "a quota, a LimitRange and PodSecurity are reported, and the app comes when they let it",
  async (cluster) => {
    await using bed = await KraneBed.open(cluster);
    const { namespace, plane } = bed;
    const [live, second, large] = [bed.name(), bed.name(), bed.name()];
    await bed.agent();
    const stream = await plane.snapshot(0, 1, bed.apply(live, 1, { memoryMib: 32n }));
    const [first] = await plane.settled(live, Status.RUNNING);

    await apply(cluster, quota(namespace, 1));
    stream.send(bed.apply(second, 2, { memoryMib: 32n }));
    const waiting = await reported(bed, second, "quota");
    assert.equal(waiting.status, Status.PENDING);
    assert.match(waiting.message, /exceeded quota: few-pods.* It starts by itself as soon as there is room/);
    // Kubernetes tries again ever later; the agent has it try each half minute at the latest.
    await until(
      "the agent to have it tried again",
      async () =>
        (await bed.sets()).some(({ metadata }) => metadata.annotations[ANNOTATION.retriedAt] !== undefined),
    );
    await remove(cluster, quota(namespace, 1));
    await plane.settled(second, Status.RUNNING);

    await apply(cluster, limitRange(namespace));
    stream.send(bed.apply(large, 3, { memoryMib: 64n }));
    const refused = await reported(bed, large, "refused");
    assert.match(refused.message, /maximum memory usage per Container is 48Mi.*unkey deploy --memory/);
    await remove(cluster, limitRange(namespace));
    await plane.settled(large, Status.RUNNING);

    await kubectl(cluster, [
      "label",
      "namespace",
      namespace,
      "pod-security.kubernetes.io/enforce=restricted",
    ]);
    await bed.deletePod(first?.k8sName ?? "");
    const down = await reported(bed, live, "refused");
    assert.match(down.message, /violates PodSecurity "restricted.*The region's operator/);
    const line = await until(
      "a line in the app's own output",
      () =>
        plane.lines.find(({ instance, text }) => instance === `${live}-refused` && /PodSecurity/.test(text)),
    );
    assert.match(line.text, /^\(unkey: Kubernetes does not take the app's pods: /);
    await kubectl(cluster, ["label", "namespace", namespace, "pod-security.kubernetes.io/enforce-"]);
    await plane.settled(live, Status.RUNNING);
  },
);

onCluster(
  "a policy that refuses the ReplicaSet is reported for the app, and what runs goes on",
  async (cluster) => {
    await using bed = await KraneBed.open(cluster);
    const { namespace, plane } = bed;
    const [live, fresh] = [bed.name(), bed.name()];
    await bed.agent();
    const stream = await plane.snapshot(0, 1, bed.apply(live, 1));
    const [running] = await plane.settled(live, Status.RUNNING);
    const rule = policy(`unkey-${namespace}`, namespace);
    try {
      await apply(cluster, rule);
      // A policy holds some moments after it was made.
      await until("the policy to hold", async () => {
        const set = named("ReplicaSet", "apps/v1", "probe", namespace, {
          selector: { matchLabels: { a: "b" } },
          template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "a", image: "a" }] } },
        });
        return await kubectl(cluster, ["create", "--dry-run=server", "-f", "-"], set).then(
          () => false,
          () => true,
        );
      });
      stream.send(bed.apply(fresh, 2), bed.apply(live, 3, { environmentVariables: { NAME: "new" } }));
      const refused = await reported(bed, fresh, "refused");
      assert.match(refused.message, /^Kubernetes does not take the app: .*every workload needs a label team/);
      await reported(bed, live, "refused");
      const kept = plane.instances(live).find((each) => each.k8sName === running?.k8sName);
      assert.equal(kept?.status, Status.RUNNING, "the former version serves");
      // An acknowledgement follows the reports.
      await until("the operator's NACK", () => {
        const errors = plane.acknowledgements.flatMap(({ results }) => results).map(({ error }) => error);
        return errors.some((error) => /needs a label team/.test(error));
      });
    } finally {
      await remove(cluster, rule);
    }
    await plane.settled(fresh, Status.RUNNING);
  },
);

onCluster(
  "a runtime that is missing is reported, and its pod is made anew with other settings",
  async (cluster) => {
    await using bed = await KraneBed.open(cluster);
    const { namespace, plane } = bed;
    const runtimeClass = `${namespace}-missing`;
    const name = bed.name();
    const first = await bed.agent({ UNKEY_KRANE_RUNTIME_CLASS: runtimeClass });
    await plane.snapshot(0, 1, bed.apply(name, 1));
    const absent = await reported(bed, name, "refused");
    assert.match(absent.message, new RegExp(`RuntimeClass "${runtimeClass}" not found.*--runtime-class`));
    const made = JSON.stringify({
      apiVersion: "node.k8s.io/v1",
      kind: "RuntimeClass",
      metadata: { name: runtimeClass },
      handler: "no-such-handler",
    });
    try {
      await apply(cluster, made);
      const stuck = await until(
        "the node's answer",
        () => plane.instances(name).find((each) => /no-such-handler/.test(each.message)),
      );
      assert.equal(stuck.reason, "refused");
      assert.match(
        stuck.message,
        /^The node cannot run the app's pod: .*The region's operator installs that runtime/,
      );
      await first.stop();
      await bed.agent();
      await plane.snapshot(1, 1, bed.apply(name, 1));
      const running = await until(
        "another pod",
        () => plane.instances(name).find((each) => each.status === Status.RUNNING),
      );
      assert.notEqual(running.k8sName, stuck.k8sName);
    } finally {
      await remove(cluster, made);
    }
  },
);
