/** `kubectl apply -k`: the shipped manifests, on the bed's cluster. */
import assert from "node:assert/strict";
import { LABEL, ownLabels } from "../../svc/krane/internal/runtime/kubernetes/labels.ts";
import { kubectl, onCluster } from "../testbed/cluster.ts";
import { eventually } from "../testbed/wait.ts";
import { overlay, relocated } from "./installed/overlay.ts";
import {
  copyHello,
  Installed,
  inSurroundings,
  PARTS,
  stepsOf,
  type Surroundings,
} from "./installed/platform.ts";
import { reachesOnly, scrapes, startStranger } from "./installed/stranger.ts";

onCluster("the shipped manifests are a platform that deploys and stays up", async (cluster, t) => {
  await inSurroundings(cluster, async (surroundings) => {
    const manifests = await rendered(surroundings);
    const platform = new Installed(surroundings);
    const step = stepsOf(t);
    const hello = await copyHello(surroundings.folder);
    let [url, key] = ["", ""];
    try {
      await kubectl(cluster, ["apply", "--server-side", "-f", "-"], manifests);
      await platform.provision();
      await platform.admitParts();
      await platform.rolledOut(...PARTS);

      await step("an app is deployed, and answers through the Service of the edge", async () => {
        ({ key } = await platform.workspace("acme"));
        await platform.unkey(["init", hello, "--project", "shop", "--yes"], key);
        const deploy = ["deploy", hello, "--env", "production", "--json"];
        const { urls }: { urls: string[] } = JSON.parse(await platform.unkey(deploy, key));
        url = urls[0] ?? "";
        await eventually(`${url} to answer`, async () => /Hello/.test((await platform.get(url)).body));
      });

      await step("another pod reaches only the edge, and the vault with its label", async () => {
        await using stranger = await startStranger(cluster);
        const [edge, api, vault, restate, worker] = await Promise.all(
          ["frontline", "ctrl-api", "vault", "restate", "ctrl-worker"].map((each) => platform.address(each)),
        );
        const closed = { [`${api}:7091`]: false, [`${restate}:8080`]: false, [`${restate}:9070`]: false };
        const others = { ...closed, [`${worker}:9080`]: false, [`${edge}:80`]: true };
        await reachesOnly(stranger, { ...others, [`${vault}:8060`]: false });
        await stranger.label("unkey.com/vault-client=true");
        await reachesOnly(stranger, { [`${vault}:8060`]: true, [`${restate}:9070`]: false });
      });

      await step("a pod with its label reads the metrics of every part, and no other pod does", async () => {
        await using stranger = await startStranger(cluster);
        const urls = await platform.metricsUrls();
        await scrapes(stranger, urls, false);
        await stranger.label("unkey.com/metrics-client=true");
        await scrapes(stranger, urls, true);
      });

      await step("no request fails while each part is restarted", async () => {
        const asking = await platform.askAlways(url);
        const [journal = "", ...others] = PARTS;
        // As the drain of a node does; the others go on.
        await platform.evict("restate-0");
        await platform.rolledOut(journal);
        // The rest at once, which is harder than one after the other.
        for (const part of others) await platform.kubectl(["rollout", "restart", part]);
        await platform.rolledOut(...others);
        const { asked, failed } = await asking.stop();
        assert.deepEqual(failed, [], `of ${asked} requests`);
        assert.ok(asked > 100, `${asked} requests were made meanwhile`);
      });

      await step("an outage of the database restarts nothing, and apps go on", async () => {
        const before = await platform.restarts();
        const asking = await platform.askAlways(url);
        surroundings.database.cut();
        const replicas = ["get", "deployment/ctrl-api", "-o", "jsonpath={.status.readyReplicas}"];
        await eventually("the api to take no calls", async () => await platform.kubectl(replicas) === "");
        await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
        surroundings.database.mend();
        await platform.rolledOut("deployment/ctrl-api", "deployment/ctrl-worker");
        assert.deepEqual((await asking.stop()).failed, []);
        assert.deepEqual(await platform.restarts(), before);
      });

      await step("the next deploy works as the first one did", async () => {
        await platform.unkey(["deploy", hello, "--env", "production", "--json"], key);
        assert.match((await platform.get(url)).body, /Hello/);
      });
    } finally {
      await kubectl(cluster, ["delete", "--ignore-not-found", "-f", "-", "--timeout=180s"], manifests);
      await removeApps(surroundings);
    }
    await step("the cluster has no object of the platform after its deletion", async () => {
      assert.deepEqual(await leftovers(surroundings), []);
    });
  });
});

/** Longer than all probes of liveness of the overlay together. */
const OUTAGE_MS = 25_000;
/** Of what a cluster has once. */
const CLUSTER_KINDS = [
  ...["namespaces", "persistentvolumes", "clusterroles", "clusterrolebindings", "priorityclasses"],
  ...["validatingadmissionpolicies", "validatingadmissionpolicybindings", "runtimeclasses"],
].join();

/** The objects of an operator's overlay, as `kubectl apply -k` makes them. */
async function rendered({ cluster, namespace, facts, folder }: Surroundings): Promise<string> {
  const own = `${folder}/overlay`;
  await Deno.mkdir(own);
  for (const [name, text] of Object.entries(overlay(own, facts))) {
    await Deno.writeTextFile(`${own}/${name}`, text);
  }
  return relocated(await kubectl(cluster, ["kustomize", own]), namespace);
}

/** The namespaces that the agent made, which it never deletes. */
async function removeApps({ cluster, namespace }: Surroundings): Promise<void> {
  const own = ownLabels({ region: "local", controlPlaneId: namespace });
  const selector = `${LABEL.controlPlane}=${own[LABEL.controlPlane]}`;
  await kubectl(cluster, ["delete", "namespaces", "-l", selector, "--timeout=180s"]);
}

async function leftovers({ cluster, namespace }: Surroundings): Promise<string[]> {
  const named = (await kubectl(cluster, ["get", CLUSTER_KINDS, "-o", "name"])).split("\n");
  const roles = (await kubectl(cluster, ["get", "roles,rolebindings", "-n", "kube-system", "-o", "name"]))
    .split("\n");
  // DNS is the bed's.
  const bed = [
    `clusterrole.rbac.authorization.k8s.io/${namespace}`,
    `clusterrolebinding.rbac.authorization.k8s.io/${namespace}`,
  ];
  return [...named, ...roles].filter((each) => each.includes(namespace) && !bed.includes(each));
}
