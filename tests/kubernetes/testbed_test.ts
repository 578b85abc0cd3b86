import assert from "node:assert/strict";
import { serves } from "../testbed/apps.ts";
import { createNamespace, type Namespace, onCluster, pushApp, without } from "../testbed/cluster.ts";
import { eventually } from "../testbed/wait.ts";

const PORT = 8080;

/** A ReplicaSet of pods that run `image` on `PORT`. */
function replicaSet(image: string, replicas: number, container: object = {}): string {
  const labels = { app: "app" };
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: "app" },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [{ name: "app", image, env: [{ name: "PORT", value: String(PORT) }], ...container }],
        },
      },
    },
  });
}

onCluster(
  "a ReplicaSet of a pushed image becomes ready and answers",
  async (cluster) => {
    await using namespace = await createNamespace(cluster);
    const image = await pushApp(cluster, serves("hello from a pod"));
    assert.match(image, /@sha256:/);
    const readinessProbe = { httpGet: { path: "/", port: PORT }, periodSeconds: 1 };
    await namespace.kubectl(["apply", "-f", "-"], replicaSet(image, 2, { readinessProbe }));
    await namespace.kubectl(["wait", "--for=jsonpath={.status.readyReplicas}=2", "rs/app", "--timeout=180s"]);

    const addresses = await namespace.kubectl(["get", "pods", "-o", "jsonpath={.items[*].status.podIP}"]);
    for (const address of addresses.split(" ")) {
      const response = await fetch(`http://${address}:${PORT}/`, { signal: AbortSignal.timeout(60_000) });
      assert.equal(await response.text(), "hello from a pod");
    }
    assert.equal(addresses.split(" ").length, 2);

    const pod = (await namespace.kubectl(["get", "pods", "-o", "name"])).split("\n")[0] ?? "";
    assert.match(await namespace.kubectl(["exec", pod, "--", "cat", "/www/index.html"]), /hello from a pod/);
  },
);

onCluster("a Service reaches its pods, and a pod reaches this machine", async (cluster) => {
  await using namespace = await createNamespace(cluster);
  await namespace.kubectl(["apply", "-f", "-"], replicaSet(await pushApp(cluster, serves("served")), 1));
  await namespace.kubectl(["expose", "rs/app", "--port=80", `--target-port=${PORT}`]);
  await namespace.kubectl(["wait", "--for=jsonpath={.status.readyReplicas}=1", "rs/app", "--timeout=180s"]);
  const address = await namespace.kubectl(["get", "service/app", "-o", "jsonpath={.spec.clusterIP}"]);
  await eventually("the Service to answer", async () => {
    const response = await fetch(`http://${address}/`, { signal: AbortSignal.timeout(10_000) })
      .catch(() => undefined);
    return await response?.text() === "served";
  });

  await using here = Deno.serve(
    { hostname: cluster.hostAddress, port: 0, onListen: () => undefined },
    () => new Response("this machine"),
  );
  const url = `http://${cluster.hostAddress}:${here.addr.port}/`;
  const pod = (await namespace.kubectl(["get", "pods", "-o", "name"])).trim();
  assert.equal(await namespace.kubectl(["exec", pod, "--", "wget", "-q", "-O", "-", url]), "this machine");
});

onCluster("a pod that takes more memory than it may is killed, and says what it printed", async (cluster) => {
  await using namespace = await createNamespace(cluster);
  // `tail` keeps the last line of its input, which never ends.
  const command = ["sh", "-c", "echo eating; tail /dev/zero"];
  const resources = { limits: { memory: "16Mi" } };
  const containers = [{ name: "app", image: "busybox:stable", command, resources }];
  const spec = { restartPolicy: "Never", containers };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "eater" }, spec };
  await namespace.kubectl(["apply", "-f", "-"], JSON.stringify(pod));
  await namespace.kubectl(["wait", "--for=jsonpath={.status.phase}=Failed", "pod/eater", "--timeout=180s"]);
  const path = "jsonpath={.status.containerStatuses[0].state.terminated}";
  const { reason, exitCode } = JSON.parse(await namespace.kubectl(["get", "pod/eater", "-o", path]));
  assert.deepEqual({ reason, exitCode }, { reason: "OOMKilled", exitCode: 137 });
  assert.match(await namespace.kubectl(["logs", "eater"]), /^eating/);
});

onCluster("the network keeps a policy", async (cluster) => {
  assert.ok(cluster.enforcesNetworkPolicy, "the tests of policies would be skipped here");
  await using own = await createNamespace(cluster);
  await using other = await createNamespace(cluster);
  const image = await pushApp(cluster, serves("for friends"));
  for (const namespace of [own, other]) {
    await namespace.kubectl(["apply", "-f", "-"], replicaSet(image, 1));
    await namespace.kubectl(["wait", "--for=jsonpath={.status.readyReplicas}=1", "rs/app", "--timeout=180s"]);
  }
  const address = await own.kubectl(["get", "pods", "-o", "jsonpath={.items[0].status.podIP}"]);
  const ask = ["exec", "rs/app", "--", "timeout", "5", "wget", "-q", "-O", "-", `http://${address}:${PORT}/`];
  const answers = async (from: Namespace): Promise<boolean> =>
    await from.kubectl(ask).then((text) => text === "for friends", () => false);
  await eventually("an answer without a policy", () => answers(other));

  const policy = {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "own" },
    spec: { podSelector: {}, policyTypes: ["Ingress"], ingress: [{ from: [{ podSelector: {} }] }] },
  };
  await own.kubectl(["apply", "-f", "-"], JSON.stringify(policy));
  await eventually(
    "the other namespace alone to be shut out",
    async () => await answers(own) && !await answers(other),
  );
});

onCluster("the apiserver can go away and come back, and pods do not notice", async (cluster) => {
  await using namespace = await createNamespace(cluster);
  await namespace.kubectl(["apply", "-f", "-"], replicaSet(await pushApp(cluster, serves("still here")), 1));
  await namespace.kubectl(["wait", "--for=jsonpath={.status.readyReplicas}=1", "rs/app", "--timeout=180s"]);
  const address = await namespace.kubectl(["get", "pods", "-o", "jsonpath={.items[0].status.podIP}"]);
  await without(cluster, "kube-apiserver", async () => {
    await assert.rejects(namespace.kubectl(["get", "pods"]), /refused/);
    const response = await fetch(`http://${address}:${PORT}/`, { signal: AbortSignal.timeout(60_000) });
    assert.equal(await response.text(), "still here");
  });
  assert.match(await namespace.kubectl(["get", "pods", "-o", "name"]), /^pod\/app-/);
});
