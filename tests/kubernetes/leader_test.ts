/** Agents of one region beside each other, and other writers of what they write. */
import assert from "node:assert/strict";
import { Status, until } from "../../svc/krane/testing.ts";
import { kubectl, onCluster } from "../testbed/cluster.ts";
import { KraneBed } from "./krane_bed.ts";

onCluster("of two agents one acts, and the other one takes over when it is killed", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  const stateDir = await Deno.makeTempDir({ prefix: "krane-standby-" });
  try {
    const name = bed.name();
    await using first = await bed.process(cluster.kubeconfig);
    await bed.plane.snapshot(0, 1, bed.apply(name, 1));
    const [before] = await bed.plane.settled(name, Status.RUNNING);
    const generation = async (): Promise<number | undefined> => (await bed.sets())[0]?.metadata.generation;
    const written = await generation();
    await bed.agent({ UNKEY_KRANE_STATE_DIR: stateDir, UNKEY_KRANE_DRAIN_MS: "5000" });
    assert.ok(bed.logs.some((line) => line.includes('"standby"')), "it waits");
    assert.deepEqual(
      [bed.plane.streams.length, await generation()],
      [1, written],
      "it writes and hears nothing",
    );

    await first.diesWithin(0);
    await bed.plane.snapshot(1, 2, bed.apply(name, 2, { environmentVariables: { NAME: "next" } }));
    const after = await until(
      "the next one to act",
      () =>
        bed.plane.instances(name).find(({ k8sName, status }) =>
          status === Status.RUNNING && k8sName !== before?.k8sName
        ),
    );
    assert.equal(await (await fetch(`http://${after.address}/`)).text(), "hello next\n");
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
});

onCluster("another writer is written over, ever more slowly, and is named", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  const name = bed.name();
  await bed.agent();
  await bed.plane.snapshot(0, 1, bed.apply(name, 1));
  await bed.plane.settled(name, Status.RUNNING);
  const replicas = async (): Promise<number | undefined> => (await bed.sets())[0]?.spec.replicas;
  const isLogged = (): boolean => bed.logs.some((line) => line.includes("another writer keeps changing"));
  for (let turn = 0; !isLogged(); turn++) {
    assert.ok(turn < 10, "it is logged after a few turns");
    await kubectl(cluster, ["-n", bed.namespace, "scale", `replicaset/${name}`, "--replicas=2"]);
    await until("the agent's own number", async () => await replicas() === 1);
  }
  assert.match(bed.logs.find((line) => line.includes("another writer")) ?? "", /"writers":".*kubectl/);
});
