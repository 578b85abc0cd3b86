import assert from "node:assert/strict";
import { Status } from "../../svc/krane/testing.ts";
import { findCluster, kubectl, onCluster } from "../testbed/cluster.ts";
import { eventually } from "../testbed/wait.ts";
import { KraneBed } from "./krane_bed.ts";

const enforces = (await findCluster())?.enforcesNetworkPolicy === true;
const test = enforces
  ? onCluster
  : (name: string, _: unknown): void =>
    Deno.test.ignore(`${name} (the cluster's network enforces no NetworkPolicy)`, () => undefined);

test("pods reach those of their own environment, and not those of another", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  await bed.agent();
  const [first, second, foreign] = [bed.name(), bed.name(), bed.name()];
  const environmentId = "env_2";
  await bed.plane.snapshot(
    0,
    3,
    bed.apply(first, 1),
    bed.apply(second, 2),
    bed.apply(foreign, 3, { environmentId }),
  );
  const [one] = await bed.plane.settled(first, Status.RUNNING);
  const [two] = await bed.plane.settled(second, Status.RUNNING);
  const [three] = await bed.plane.settled(foreign, Status.RUNNING);
  assert.ok(one && two && three);
  const reaches = async (from: string, address: string): Promise<boolean> => {
    const command = ["timeout", "5", "wget", "-q", "-O", "-", `http://${address}/`];
    return await kubectl(cluster, ["exec", "-n", bed.namespace, from, "--", ...command])
      .then((text) => text.startsWith("hello"), () => false);
  };
  // The network takes a moment to learn of new pods and policies.
  await eventually(
    "each environment to reach itself and no other",
    async () =>
      await reaches(two.k8sName, one.address) && await reaches(three.k8sName, three.address) &&
      !await reaches(three.k8sName, one.address) && !await reaches(one.k8sName, three.address),
  );
});
