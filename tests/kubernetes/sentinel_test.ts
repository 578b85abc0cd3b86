import assert from "node:assert/strict";
import { z } from "zod";
import { transact } from "../../pkg/db/mod.ts";
import { stopTopology } from "../../svc/ctrl/internal/store/mod.ts";
import { askAt } from "../testbed/ask.ts";
import { createNamespace, kubectl, type Namespace, onCluster } from "../testbed/cluster.ts";
import { eventually } from "../testbed/wait.ts";
import { pushPlatform, SentinelBed } from "./sentinel_bed.ts";

const HOST = "shop.test";
const Names = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });
const Service = z.object({ spec: z.object({ clusterIP: z.string() }) });
const Pods = z.object({
  items: z.array(z.object({
    spec: z.object({
      containers: z.array(z.object({ image: z.string(), env: z.array(z.object({ name: z.string() })) })),
    }),
  })),
});

async function ask(
  address: string,
  headers: Readonly<Record<string, string>> = { host: HOST },
): Promise<string> {
  const { status, body } = await askAt({ address, port: 8040, path: "/", headers });
  return `${status} ${body.trim()}`;
}

/** Starts a pod; the function that it returns asks `url` from there. */
async function startClient(namespace: Namespace, url: string): Promise<() => Promise<boolean>> {
  const run = ["run", "client", "--image=busybox:stable", "--command", "--", "sleep", "3600"];
  await namespace.kubectl(run);
  await namespace.kubectl(["wait", "pod/client", "--for=condition=Ready", "--timeout=180s"]);
  const wget = ["exec", "client", "--", "timeout", "3", "wget", "-q", "-O", "/dev/null", url];
  return () => namespace.kubectl(wget).then(() => true, () => false);
}

/** Asks all the time until `stop` aborts; returns what was not the expected answer. */
async function askAll(
  address: string,
  expected: string,
  stop: AbortSignal,
): Promise<{ asked: number; wrong: string[] }> {
  const wrong: string[] = [];
  let asked = 0;
  for (; !stop.aborted; asked++) {
    const answer = await ask(address).catch(String);
    if (answer !== expected) wrong.push(answer);
  }
  return { asked, wrong };
}

onCluster(
  "sentinels run, answer, follow image and replicas without a failed request, and go",
  async (cluster, t) => {
    const [first = "", second = ""] = await pushPlatform(cluster, ["sentinel-1", "sentinel-2"]);
    await using edge = await createNamespace(cluster);
    await using bed = await SentinelBed.open(cluster, edge.name);
    const get = async <T>(what: readonly string[], schema: z.ZodType<T>): Promise<T> =>
      schema.parse(JSON.parse(await kubectl(cluster, ["-n", bed.namespace, "get", ...what, "-o", "json"])));

    const id = await bed.deploy(HOST, "hello from the app");
    await bed.sweep(first, 1);
    const { k8s_name: name, k8s_address: address } = await bed.available(id, 1);
    assert.equal(address, `${name}.${bed.namespace}.svc.cluster.local:8040`);
    const { clusterIP } = (await get(["service", name], Service)).spec;
    await eventually("the app to answer", async () => (await ask(clusterIP)) === "200 hello from the app");
    assert.equal(await ask(clusterIP, { host: "x", "x-deployment-id": id }), "200 hello from the app");
    assert.match(await ask(clusterIP, { host: "other.test" }), /^404 /);

    const pods = await get(["pods"], Pods);
    const variables = pods.items.flatMap(({ spec }) =>
      spec.containers.flatMap(({ env }) => env.map((each) => each.name))
    );
    assert.ok(!variables.some((each) => /DATABASE|DSN|MASTER|S3/.test(each)), variables.join(", "));

    await t.step({
      name: "an app is kept from the sentinel, and an edge is not",
      ignore: !cluster.enforcesNetworkPolicy,
      fn: async () => {
        await using apps = await createNamespace(cluster);
        const url = `http://${clusterIP}:8040/_unkey/internal/health/live`;
        const [fromEdge, fromApp] = [await startClient(edge, url), await startClient(apps, url)];
        // The network takes a moment to learn of new pods.
        await eventually("the edge to get through, and the app not", async () => {
          return await fromEdge() && !await fromApp() && await fromEdge();
        });
      },
    });

    const stop = new AbortController();
    const asking = askAll(clusterIP, "200 hello from the app", stop.signal);
    await bed.sweep(second, 2);
    await eventually("all pods to be of the new image", async () => {
      const { items } = await get(["pods"], Pods);
      return items.length === 2 && items.every(({ spec }) => spec.containers[0]?.image === second);
    }, { deadlineMs: 300_000 });
    await bed.available(id, 2);
    stop.abort();
    const { asked, wrong } = await asking;
    assert.deepEqual(wrong, [], `of ${asked} requests`);
    assert.ok(asked > 20, `asked ${asked} times`);

    await transact(bed.api.db, (tx) => stopTopology(tx, { deploymentId: id, nowMs: Date.now() }));
    await bed.available(id, 0);
    await eventually("everything to be gone", async () => {
      const { items } = await get(
        ["deployments,services,secrets,poddisruptionbudgets,networkpolicies,pods"],
        Names,
      );
      return items.length === 0;
    }, { deadlineMs: 300_000 });
  },
);
