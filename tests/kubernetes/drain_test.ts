import assert from "node:assert/strict";
import { shell, Status, until, WEB_SERVER } from "../../svc/krane/testing.ts";
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

onCluster("a budget of the operator's own decides where the agent makes none", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  const name = bed.name();
  const [withBudget, changes] = [await bed.agent(), { command: shell(WEB_SERVER) }];
  await bed.plane.snapshot(0, 1, bed.apply(name, 1, changes));
  const [first] = await bed.plane.settled(name, Status.RUNNING);
  const own = {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "own", namespace: bed.namespace },
    spec: { maxUnavailable: 1, selector: { matchLabels: { [LABEL.name]: name } } },
  };
  await kubectl(cluster, ["create", "-f", "-"], JSON.stringify(own));
  const evict = async (): Promise<string> => {
    const pod = { name: first?.k8sName, namespace: bed.namespace };
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: pod };
    const path = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/eviction`;
    return await kubectl(cluster, ["create", "--raw", path, "-f", "-"], JSON.stringify(eviction))
      .catch((error) => String(error));
  };
  assert.match(await evict(), /more than one PodDisruptionBudget/i);
  await withBudget.stop();
  await bed.agent({ UNKEY_KRANE_EVICTIONS: "none" });
  await bed.plane.snapshot(1, 1, bed.apply(name, 1, changes));
  await until("the eviction", async () => /Success|created/.test(await evict()));
  await until(
    "another pod",
    () =>
      bed.plane.instances(name).some(({ status, k8sName }) =>
        status === Status.RUNNING && k8sName !== first?.k8sName
      ),
  );
});
