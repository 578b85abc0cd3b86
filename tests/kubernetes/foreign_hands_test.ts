/** Other people's hands on the agent's objects: it heals what they did, and tells what it cannot do. */
import assert from "node:assert/strict";
import { LABEL } from "../../svc/krane/internal/runtime/kubernetes/labels.ts";
import { remove, Status, until } from "../../svc/krane/testing.ts";
import { kubectl, onCluster } from "../testbed/cluster.ts";
import { KraneBed } from "./krane_bed.ts";

onCluster("a ReplicaSet that is scaled or deleted, and its whole namespace, come back", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  const { namespace, plane } = bed;
  const name = bed.name();
  await bed.agent();
  await plane.snapshot(0, 1, bed.apply(name, 1, { environmentVariables: { NAME: "world" } }));
  await plane.settled(name, Status.RUNNING);
  await kubectl(cluster, ["-n", namespace, "scale", "replicaset", name, "--replicas=3"]);
  await until("one replica again", async () => (await bed.sets())[0]?.spec.replicas === 1);
  const [first] = await plane.settled(name, Status.RUNNING);

  await kubectl(cluster, ["-n", namespace, "delete", "replicaset", name, "--wait=false"]);
  const second = await until(
    "another pod",
    () => plane.instances(name).find((each) => each.address !== "" && each.k8sName !== first?.k8sName),
  );
  await kubectl(cluster, ["delete", "namespace", namespace, "--wait=false"]);
  const third = await until(
    "a pod in the namespace made anew",
    () => plane.instances(name).find((each) => each.address !== "" && each.k8sName !== second.k8sName),
  );
  assert.equal(await (await fetch(`http://${third.address}/`)).text(), "hello world\n");
});

onCluster(
  "a pod that does not come to end holds up its own deployment only, which says so",
  async (cluster) => {
    await using bed = await KraneBed.open(cluster);
    const { namespace, plane } = bed;
    const [held, other] = [bed.name(), bed.name()];
    await bed.agent();
    const stream = await plane.snapshot(0, 1, bed.apply(held, 1));
    const [pod] = await plane.settled(held, Status.RUNNING);
    const finalizers = (value: string): Promise<string> =>
      kubectl(cluster, [
        ...["-n", namespace, "patch", "pod", pod?.k8sName ?? "", "--type=merge"],
        ...["-p", `{"metadata":{"finalizers":${value}}}`],
      ]);
    await finalizers('["unkey.example/held"]');
    try {
      stream.send(remove(held, 2), bed.apply(other, 3));
      await plane.settled(other, Status.RUNNING);
      await until(
        "the set to be leaving",
        async () =>
          (await bed.sets()).some(({ metadata }) =>
            metadata.labels[LABEL.name] === held && metadata.deletionTimestamp !== undefined
          ),
      );
      stream.send(bed.apply(held, 4));
      const leaving = await until(
        "the reason",
        () => plane.instances(held).find((each) => each.reason === "leaving"),
      );
      assert.match(leaving.message, new RegExp(`have not ended yet \\(${pod?.k8sName} on `));
    } finally {
      await finalizers("null");
    }
    await plane.settled(held, Status.RUNNING);
  },
);
