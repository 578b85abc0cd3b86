import assert from "node:assert/strict";
import { createNamespace, kubectl, onCluster } from "../testbed/cluster.ts";
import { simulateNodes } from "../testbed/simulated_nodes.ts";

onCluster("pods on simulated nodes become ready, have addresses of their own, and go", async (cluster) => {
  await using nodes = await simulateNodes(cluster, 2);
  await using namespace = await createNamespace(cluster);
  const labels = { app: "many" };
  const containers = [{ name: "app", image: "never:pulled" }];
  const replicaSet = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: "many" },
    spec: {
      replicas: 100,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { ...nodes.placement, containers } },
    },
  };
  await namespace.kubectl(["apply", "-f", "-"], JSON.stringify(replicaSet));
  await namespace.kubectl([
    "wait",
    "--for=jsonpath={.status.readyReplicas}=100",
    "rs/many",
    "--timeout=300s",
  ]);
  const addresses = await namespace.kubectl(["get", "pods", "-o", "jsonpath={.items[*].status.podIP}"]);
  assert.equal(new Set(addresses.split(" ")).size, 100);
  // The nodes' pods need the nodes to go.
  await kubectl(cluster, ["delete", "namespace", namespace.name, "--timeout=300s"]);
});
