import assert from "node:assert/strict";
import { Status, until } from "../../svc/krane/testing.ts";
import { kubectl, onCluster } from "../testbed/cluster.ts";
import { simulateNodes } from "../testbed/simulated_nodes.ts";
import { eventually } from "../testbed/wait.ts";
import { KraneBed } from "./krane_bed.ts";

/** The cluster notices a silent node within its grace period. */
const NOTICED_MS = 300_000;

onCluster(
  "pods of a node that went silent are not reported as running, and are replaced soon",
  async (cluster) => {
    await using nodes = await simulateNodes(cluster, 1);
    const [key = ""] = Object.keys(nodes.placement.nodeSelector);
    await using bed = await KraneBed.open(cluster);
    const { plane } = bed;
    const name = bed.name();
    await bed.agent({
      UNKEY_KRANE_NODE_SELECTOR: `${key}=`,
      UNKEY_KRANE_TOLERATIONS: key,
      UNKEY_KRANE_NODE_LOST_SECONDS: "5",
    });
    await plane.snapshot(0, 1, bed.apply(name, 1));
    await plane.settled(name, Status.RUNNING);
    await nodes.goSilent();
    let message: string | undefined;
    await eventually(
      "the pod to be reported as lost",
      () => {
        const lost = plane.instances(name).find(({ reason }) => reason === "node_not_ready");
        if (lost?.address === "") message = lost.message;
        return message !== undefined;
      },
      { deadlineMs: NOTICED_MS },
    );
    assert.match(message ?? "", new RegExp(key));
    await until(
      "another pod that waits for a node",
      async () => (await bed.pods(name)).some(({ spec }) => spec.nodeName === ""),
    );
    // Its pods would keep their namespace for ever.
    await kubectl(cluster, ["delete", "pods", "--all", "--force", "-n", bed.namespace]);
    await until("no pod", async () => (await bed.pods(name)).every((each) => each.spec.nodeName === ""));
  },
);
