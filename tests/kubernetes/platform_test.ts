import assert from "node:assert/strict";
import { LABEL } from "../../svc/krane/internal/runtime/kubernetes/labels.ts";
import { serves } from "../testbed/apps.ts";
import { type Cluster, kubectl, onCluster } from "../testbed/cluster.ts";
import { answers, Testbed, writeApp } from "../testbed/testbed.ts";
import { eventually } from "../testbed/wait.ts";

const HELLO = new URL("../../examples/hello", import.meta.url).pathname;
/** Outage of the control plane. */
const AWAY_MS = 60_000;

interface Deployed {
  readonly id: string;
  readonly status: string;
  readonly urls: readonly string[];
}

/** A platform whose builds go to the cluster's registry and whose apps run in the cluster. */
async function startBed(cluster: Cluster): Promise<Testbed> {
  const registry = { UNKEY_REGISTRY_URL: `${cluster.registry}/platform` };
  return await Testbed.start({
    workerEnv: registry,
    kraneEnv: {
      ...registry,
      UNKEY_RUNTIME: "kubernetes",
      KUBECONFIG: cluster.kubeconfig,
      UNKEY_KRANE_DRAIN_MS: "1000",
      UNKEY_KRANE_STOP_GRACE_SECONDS: "2",
      // The cluster has one node: pods must be able to move within it when it drains.
      UNKEY_KRANE_TOLERATIONS: "node.kubernetes.io/unschedulable:NoSchedule",
    },
  });
}

async function deploy(bed: Testbed, folder: string, project: string, env = "production"): Promise<Deployed> {
  const result = await bed.unkey(["deploy", folder, "--project", project, "--env", env, "--json"]);
  assert.equal(result.code, 0, result.stdout + result.stderr);
  const deployed: Deployed = JSON.parse(result.stdout);
  assert.equal(deployed.status, "ready");
  return deployed;
}

/** Objects of the region's agent in the cluster, as `kind uid`, without namespaces. */
async function objects(cluster: Cluster, bed: Testbed, labels: Readonly<Record<string, string>> = {}) {
  const selector = Object.entries({ [LABEL.region]: bed.region, ...labels }).map((each) => each.join("="))
    .join();
  const kinds = "replicasets,pods,secrets,networkpolicies";
  const path = "jsonpath={range .items[*]}{.kind} {.metadata.uid}{'\\n'}{end}";
  const text = await kubectl(cluster, ["get", kinds, "--all-namespaces", "-l", selector, "-o", path]);
  return text.split("\n").filter((line) => line !== "").toSorted();
}

/** Asks the edge again and again until it is stopped; keeps what was not answered well. */
function askAlways(bed: Testbed, url: string): { stop(): Promise<{ asked: number; failed: string[] }> } {
  let [going, asked] = [true, 0];
  const failed: string[] = [];
  const done = (async () => {
    while (going) {
      asked++;
      const { status, body } = await bed.get(url).catch((error: unknown) => ({
        status: 0,
        body: String(error),
      }));
      if (status !== 200) failed.push(`${status} ${body.slice(0, 200)}`);
    }
  })();
  return {
    async stop() {
      going = false;
      await done;
      return { asked, failed };
    },
  };
}

onCluster(
  "an app is built, pushed, run in the cluster, replaced without a failed request, and removed",
  async (cluster) => {
    await using bed = await startBed(cluster);
    const { slug } = await bed.project("shop");
    try {
      const first = await deploy(bed, await copyHello(bed), slug);
      const url = first.urls[0] ?? "";
      await answers(bed, url, "Hello");
      const image = await kubectl(cluster, [
        ...["get", "pods", "--all-namespaces", "-l", `${LABEL.deployment}=${first.id}`],
        ...["-o", "jsonpath={.items[*].spec.containers[*].image}"],
      ]);
      assert.match(image, new RegExp(`^${cluster.registry}/platform/.+@sha256:[0-9a-f]{64}$`));

      const asking = askAlways(bed, url);
      const second = await deploy(bed, await writeApp(bed, serves("the second version")), slug);
      await answers(bed, url, "the second version");
      const stopped = await bed.unkey(["stop", first.id, "--json"]);
      assert.equal(stopped.code, 0, stopped.stdout + stopped.stderr);
      const before = { [LABEL.deployment]: first.id };
      await eventually(
        "the first version to be gone",
        async () => (await objects(cluster, bed, before)).length === 0,
      );
      const { asked, failed } = await asking.stop();
      assert.deepEqual(failed, [], `of ${asked} requests`);
      assert.ok(asked > 10, `${asked} requests were made meanwhile`);

      const held = await objects(cluster, bed);
      const current = await objects(cluster, bed, { [LABEL.deployment]: second.id });
      assert.deepEqual(
        current.map((each) => each.split(" ")[0]),
        ["Pod", "ReplicaSet"],
      );
      await bed.parts.api.kill("SIGKILL");
      const away = askAlways(bed, url);
      await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
      assert.deepEqual((await away.stop()).failed, [], "the edge goes on without its control plane");
      assert.deepEqual(await objects(cluster, bed), held, "and so does the cluster");
      await bed.parts.api.start();

      const third = await deploy(bed, await writeApp(bed, serves("back again")), slug);
      await answers(bed, third.urls[0] ?? "", "back again");
      await survivesDrain(cluster, bed, third);
      await goesWithItsEnvironment(cluster, bed, slug);
    } finally {
      await removeNamespaces(cluster, bed);
    }
  },
);

/** The only instance of an app is not evicted, and a drain of its node moves it without a failed request. */
async function survivesDrain(cluster: Cluster, bed: Testbed, { id, urls }: Deployed): Promise<void> {
  const selector = `${LABEL.deployment}=${id}`;
  const pod = "{.items[0].metadata.name} {.items[0].metadata.namespace} {.items[0].spec.nodeName}";
  const find = ["get", "pods", "--all-namespaces", "-l", selector, "-o", `jsonpath=${pod}`];
  const [name = "", namespace = "", node = ""] = (await kubectl(cluster, find)).split(" ");
  const asking = askAlways(bed, urls[0] ?? "");
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } };
  const evict = ["create", "--raw", `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, "-f", "-"];
  await assert.rejects(kubectl(cluster, evict, JSON.stringify(eviction)), /disruption budget/);
  try {
    const timeout = "--timeout=180s";
    await kubectl(cluster, ["drain", node, "--pod-selector", selector, "--ignore-daemonsets", timeout]);
  } finally {
    await kubectl(cluster, ["uncordon", node]);
  }
  const { asked, failed } = await asking.stop();
  assert.deepEqual(failed, [], `of ${asked} requests`);
  assert.notEqual((await kubectl(cluster, find)).split(" ")[0], name, "another pod serves");
}

/** An environment with an app and a variable: nothing of it stays in the cluster after the environment is deleted. */
async function goesWithItsEnvironment(cluster: Cluster, bed: Testbed, project: string): Promise<void> {
  const unkey = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await bed.unkey([...args, "--project", project, "--json"]);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  };
  const others = await objects(cluster, bed);
  await unkey("env", "create", "staging");
  await unkey("variables", "set", "GREETING=hello", "--env", "staging");
  const { id, urls } = await deploy(bed, await writeApp(bed, serves("staging")), project, "staging");
  await answers(bed, urls[0] ?? "", "staging");
  const environmentId = await kubectl(cluster, [
    ...["get", "replicasets", "--all-namespaces", "-l", `${LABEL.deployment}=${id}`],
    ...["-o", `jsonpath={.items[*].metadata.labels.${LABEL.environment.replaceAll(".", "\\.")}}`],
  ]);
  const own = { [LABEL.environment]: environmentId };
  const kinds = (await objects(cluster, bed, own)).map((each) => each.split(" ")[0]);
  assert.deepEqual(kinds, ["NetworkPolicy", "Pod", "ReplicaSet", "Secret"]);

  await unkey("env", "delete", "staging", "--stop", "--yes");
  await eventually("its objects to be gone", async () => (await objects(cluster, bed, own)).length === 0);
  assert.deepEqual(await objects(cluster, bed), others, "and nothing else is");
}

/** Outside of this checkout, whose branch would get a host name of its own. */
async function copyHello(bed: Testbed): Promise<string> {
  const folder = `${bed.directory}/hello`;
  const { success } = await new Deno.Command("cp", { args: ["-r", HELLO, folder] }).output();
  assert.ok(success);
  return folder;
}

async function removeNamespaces(cluster: Cluster, bed: Testbed): Promise<void> {
  await bed.parts.krane.kill("SIGKILL");
  const selector = `${LABEL.region}=${bed.region}`;
  await kubectl(cluster, ["delete", "namespaces", "--wait=false", "-l", selector]);
  await kubectl(cluster, ["delete", "leases", "-n", "default", "-l", selector]);
}
