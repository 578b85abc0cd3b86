import assert from "node:assert/strict";
import { z } from "zod";
import { callJson, createObject, objectPath, PODS, REPLICA_SETS } from "../../pkg/kube/mod.ts";
import { findApiserver, PrivateApiserver } from "../../pkg/testkit/apiserver.ts";
import { Status, until } from "../../svc/krane/testing.ts";
import { LABEL } from "../../svc/krane/internal/runtime/kubernetes/labels.ts";
import { Pod } from "../../svc/krane/internal/runtime/kubernetes/objects.ts";
import { IMAGE, KraneBed } from "./krane_bed.ts";

const STOPPED_MS = 30_000;
const Templated = z.object({
  spec: z.object({
    template: z.object({ metadata: z.object({ annotations: z.record(z.string(), z.string()) }) }),
  }),
});

/** A pod as the ReplicaSet controller and the kubelet would make it; this API has neither. */
async function makePod(bed: KraneBed, deployment: string): Promise<Pod> {
  const set = (await bed.sets()).find((each) => each.metadata.name === deployment);
  assert.ok(set);
  const { labels, name, uid } = set.metadata;
  const { spec: { template } } = await callJson(
    bed.cluster,
    { method: "GET", path: objectPath(REPLICA_SETS, set.metadata), signal: bed.signal },
    Templated,
  );
  const pod = await createObject(bed.cluster, PODS, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${deployment}-x`,
      namespace: bed.namespace,
      labels,
      annotations: template.metadata.annotations,
      ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name, uid, controller: true }],
    },
    spec: { containers: [{ name: "deployment", image: IMAGE }] },
  }, { schema: Pod, signal: bed.signal });
  await setReady(bed, pod, "True");
  return pod;
}

async function setReady(bed: KraneBed, pod: Pod, ready: "True" | "False"): Promise<void> {
  await callJson(bed.cluster, {
    method: "PATCH",
    path: `${objectPath(PODS, pod.metadata)}/status`,
    contentType: "application/merge-patch+json",
    body: {
      status: {
        phase: "Running",
        podIP: "10.1.2.3",
        podIPs: [{ ip: "10.1.2.3" }],
        conditions: [{ type: "Ready", status: ready }],
        containerStatuses: [{
          name: "deployment",
          ready: ready === "True",
          restartCount: 0,
          image: IMAGE,
          imageID: "",
          containerID: "test://1",
          state: { running: { startedAt: new Date().toISOString().replace(/\.\d+/, "") } },
        }],
      },
    },
    signal: bed.signal,
  }, z.object({}));
}

Deno.test({
  name:
    "an apiserver that is away for half a minute changes nothing, and what happened meanwhile is caught up on",
  ignore: findApiserver() === undefined,
  fn: async () => {
    await using api = await PrivateApiserver.open();
    await using bed = await KraneBed.open(api);
    const { plane } = bed;
    const [before, during] = [bed.name(), bed.name()];
    await bed.agent();
    const stream = await plane.snapshot(0, 1, bed.apply(before, 1));
    await until("the ReplicaSet", async () => (await bed.sets()).length === 1);
    const pod = await makePod(bed, before);
    await plane.settled(before, Status.RUNNING);
    const [set] = await bed.sets();

    await api.kill();
    stream.send(bed.apply(during, 2));
    await until(
      "the NACK",
      () =>
        plane.acknowledgements.some((each) =>
          each.results.some((one) => one.version === 2n && one.error !== "")
        ),
    );
    await new Promise((resolve) => setTimeout(resolve, STOPPED_MS));
    assert.deepEqual(
      plane.instances(before).map((each) => each.status),
      [Status.RUNNING],
      "it is not reported as gone",
    );
    await api.start();

    await until("the ACK", () => plane.acknowledgements.some((each) => each.appliedVersion === 2n));
    await until("the change that came meanwhile", async () => (await bed.sets()).length === 2);
    assert.deepEqual(
      (await bed.sets()).find((each) => each.metadata.name === before)?.metadata.uid,
      set?.metadata.uid,
    );
    await setReady(bed, pod, "False");
    await plane.settled(before, Status.PENDING);
    assert.equal((await bed.pods(before)).length, 1, "its pod was never touched");
    assert.equal((await bed.pods(before))[0]?.metadata.labels[LABEL.name], before);
  },
});
