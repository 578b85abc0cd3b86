import assert from "node:assert/strict";
import { Status, until } from "../../svc/krane/testing.ts";
import { LABEL } from "../../svc/krane/internal/runtime/kubernetes/labels.ts";
import { kubectl, onCluster } from "../testbed/cluster.ts";
import { KraneBed } from "./krane_bed.ts";

onCluster("a drain ends where no other pod can run, after a limited time", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  const { plane } = bed;
  const name = bed.name();
  await bed.agent({ UNKEY_KRANE_DRAIN_WAIT_SECONDS: "3" });
  await plane.snapshot(0, 1, bed.apply(name, 1));
  const [first] = await plane.settled(name, Status.RUNNING);
  const [pod] = await bed.pods(name);
  const node = pod?.spec.nodeName ?? "";
  try {
    const selector = `${LABEL.name}=${name}`;
    await kubectl(cluster, [
      "drain",
      node,
      "--pod-selector",
      selector,
      "--ignore-daemonsets",
      "--timeout=180s",
    ]);
    assert.ok(bed.logs.some((line) => line.includes("no other instance came to run in time")));
  } finally {
    await kubectl(cluster, ["uncordon", node]);
  }
  const second = await until(
    "another pod",
    () => plane.instances(name).find(({ status }) => status === Status.RUNNING),
  );
  assert.notEqual(second.k8sName, first?.k8sName);
  const budget = [
    "get",
    "poddisruptionbudget",
    name,
    "-n",
    bed.namespace,
    "-o",
    "jsonpath={.spec.minAvailable}",
  ];
  await until("its budget to be as before", async () => await kubectl(cluster, budget) === "1");
});
