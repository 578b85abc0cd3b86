import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import {
  AnyObject,
  applyObject,
  loadAccess,
  type Manifest,
  openCluster,
  SECRETS,
} from "../../pkg/kube/mod.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import { remove, Status, until } from "../../svc/krane/testing.ts";
import { type Cluster, createNamespace, kubectl, onCluster } from "../testbed/cluster.ts";
import { accountKubeconfig } from "./account.ts";
import { relocated } from "./installed/overlay.ts";
import { IMAGE, KraneBed } from "./krane_bed.ts";

const FOLDER = new URL("../../dev/k8s/manifests", import.meta.url).pathname;

/** All shipped manifests, with names of this test's own so that tests and people do not meet. */
async function manifests(cluster: Cluster, namespace: string): Promise<string> {
  return relocated(await kubectl(cluster, ["kustomize", FOLDER]), namespace);
}

onCluster("the shipped manifests are what the cluster takes", async (cluster) => {
  await using namespace = await createNamespace(cluster);
  const text = await manifests(cluster, namespace.name);
  const documents = parseAllDocuments(text);
  const applied = await kubectl(cluster, ["apply", "--server-side", "--dry-run=server", "-f", "-"], text);
  assert.equal(applied.trim().split("\n").length, documents.length);
});

onCluster("the agent needs no more rights than it is given, and cannot write elsewhere", async (cluster) => {
  await using namespace = await createNamespace(cluster);
  const wanted = parseAllDocuments(await manifests(cluster, namespace.name)).map((each) => each.toJS())
    .filter(({ kind }) => !["Deployment", "RuntimeClass", "StatefulSet"].includes(kind));
  const text = wanted.map((each) => JSON.stringify(each)).join("\n---\n");
  await kubectl(cluster, ["apply", "--server-side", "-f", "-"], text);
  const kubeconfig = await accountKubeconfig(cluster, { namespace: namespace.name, account: "krane" });
  const agent = openCluster(await loadAccess({ kubeconfig }));
  try {
    await using bed = await KraneBed.open(cluster);
    const sentinels = `${bed.namespace}-sentinels`;
    await bed.agent({ KUBECONFIG: kubeconfig, UNKEY_KRANE_SENTINEL_NAMESPACE: sentinels });
    const sentinel = bed.name();
    bed.plane.sentinels.apply(1, {
      k8sName: sentinel,
      workspaceId: "ws_1",
      projectId: "proj_1",
      environmentId: "env_1",
      sentinelId: `se_${sentinel}`,
      // Rights are all that matters here: it need not run.
      image: IMAGE,
      replicas: 1,
      cpuMillicores: 100n,
      memoryMib: 64n,
      token: "sentinel_token",
    });
    const [name, broken] = [bed.name(), bed.name()];
    const stream = await bed.plane.snapshot(
      0,
      2,
      bed.apply(name, 1, { environmentVariables: { NAME: "world" } }),
      bed.apply(broken, 2, { command: ["sh", "-c", "echo broken; exit 3"] }),
    );
    const [instance] = await bed.plane.settled(name, Status.RUNNING);
    assert.equal(await (await fetch(`http://${instance?.address}/`)).text(), "hello world\n");
    await until("last lines", () => bed.plane.instances(broken).some((each) => each.lastLogLines.length > 0));
    const task = { name: "release", command: ["true"], timeoutSeconds: 60, isStarted: false };
    stream.send(bed.apply(name, 3, { environmentVariables: { NAME: "you" }, tasks: [task] }));
    await until("the task to run", () => bed.plane.task(name, "release")?.status === Status.ENDED);
    await until(
      "replaced",
      () =>
        bed.plane.instances(name).some((each) =>
          each.status === Status.RUNNING && each.k8sName !== instance?.k8sName
        ),
    );
    await until("the sentinel to be reported", () => bed.plane.sentinels.latest(sentinel) !== undefined);
    const left = (): Promise<string> =>
      kubectl(cluster, ["-n", sentinels, "get", "deploy,svc,secret,pdb,netpol", "-o", "name"]);
    assert.equal((await left()).trim().split("\n").length, 5);
    bed.plane.sentinels.delete(6, sentinel);
    await until("no sentinel", async () => await left() === "");
    stream.send(remove(name, 4), remove(broken, 5));
    await until("nothing", async () => {
      const { sets, secrets, policies } = await bed.objects();
      return sets + secrets + policies === 0;
    });
    assert.deepEqual(bed.logs.filter((line) => line.includes("permission_denied")), []);

    const manifest: Manifest = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "taken", namespace: namespace.name },
    };
    const options = { fieldManager: "krane", schema: AnyObject, signal: bed.signal };
    await assert.rejects(
      applyObject(agent, SECRETS, manifest, options),
      (error) => isFault(error) && /only write into namespaces that it has made/.test(error.message),
    );
  } finally {
    agent.close();
    await Deno.remove(kubeconfig);
    await kubectl(cluster, ["delete", "--ignore-not-found", "--wait=false", "-f", "-"], text);
  }
});
