import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { Status, until } from "../../svc/krane/fixtures_test.ts";
import { type Cluster, kubectl, onCluster } from "../testbed/cluster.ts";
import { eventually } from "../testbed/wait.ts";
import { KraneBed } from "./krane_bed.ts";

const KEY = "unkey.test/node";
/** The cluster notices a silent node within its grace period. */
const NOTICED_MS = 180_000;

/** A node that is simulated: its pods count as running, and it goes silent when the simulator ends. */
class SimulatedNode implements AsyncDisposable {
  readonly name = `sim-${crypto.randomUUID().slice(0, 8)}`;
  readonly #cluster: Cluster;
  readonly #kwok: ReturnType<typeof spawn>;

  private constructor(cluster: Cluster, kwok: string) {
    this.#cluster = cluster;
    const manage = `--manage-single-node=${this.name}`;
    this.#kwok = spawn(
      kwok,
      [
        `--kubeconfig=${cluster.kubeconfig}`,
        manage,
        "--node-lease-duration-seconds=40",
        "--server-address=127.0.0.1:0",
      ],
      { stdio: "ignore" },
    );
  }

  static async start(cluster: Cluster, kwok: string): Promise<SimulatedNode> {
    const node = new SimulatedNode(cluster, kwok);
    const resources = { cpu: "8", memory: "8Gi", pods: "100", "ephemeral-storage": "100Gi" };
    const manifest = {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: node.name, labels: { [KEY]: node.name } },
      spec: { taints: [{ key: KEY, value: node.name, effect: "NoSchedule" }] },
      status: { allocatable: resources, capacity: resources },
    };
    await kubectl(cluster, ["create", "-f", "-"], JSON.stringify(manifest));
    await kubectl(cluster, ["wait", `node/${node.name}`, "--for=condition=Ready", "--timeout=60s"]);
    return node;
  }

  /** It says nothing any more, as a machine that lost its power. */
  async die(): Promise<void> {
    if (this.#kwok.exitCode !== null || this.#kwok.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => this.#kwok.once("exit", () => resolve()));
    this.#kwok.kill("SIGKILL");
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.die();
    await kubectl(this.#cluster, ["delete", "node", this.name, "--wait=false", "--ignore-not-found"]);
  }
}

onCluster("pods of a node that went silent are not reported as running", async (cluster) => {
  assert.ok(cluster.kwok, "the program that simulates nodes is there");
  await using node = await SimulatedNode.start(cluster, cluster.kwok);
  await using bed = await KraneBed.open(cluster);
  const { plane } = bed;
  const name = bed.name();
  await bed.agent({
    UNKEY_KRANE_NODE_SELECTOR: `${KEY}=${node.name}`,
    UNKEY_KRANE_TOLERATIONS: `${KEY}=${node.name}:NoSchedule`,
  });
  await plane.snapshot(0, 1, bed.apply(name, 1));
  await plane.settled(name, Status.RUNNING);
  await node.die();
  await eventually(
    "the pod to be told as lost",
    () => plane.instances(name).some((each) => each.reason === "node_not_ready" && each.address === ""),
    { deadlineMs: NOTICED_MS },
  );
  assert.match(plane.instances(name)[0]?.message ?? "", new RegExp(node.name));
  // Its pods would keep their namespace for ever.
  await kubectl(cluster, ["delete", "pods", "--all", "--force", "-n", bed.namespace]);
  await until("no pod", async () => (await bed.pods(name)).every((each) => each.spec.nodeName === ""));
});
