/** A deploy, and a live app, in a cluster that has no room for it or refuses it: from the command line to the pods. */
import assert from "node:assert/strict";
import { LABEL } from "../../svc/krane/internal/runtime/kubernetes/labels.ts";
import { serves } from "../testbed/apps.ts";
import { type Cluster, kubectl, onCluster } from "../testbed/cluster.ts";
import { answers, Testbed, writeApp } from "../testbed/testbed.ts";
import { eventually } from "../testbed/wait.ts";

const START_EXIT = 13;

interface EventLine {
  readonly kind: string;
  readonly step?: string;
  readonly message?: string;
  readonly id?: string;
}

const quota = (pods: number) => ({
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "few-pods" },
  spec: { hard: { pods: String(pods) } },
});
const LIMIT_RANGE = {
  apiVersion: "v1",
  kind: "LimitRange",
  metadata: { name: "small" },
  spec: { limits: [{ type: "Container", max: { memory: "64Mi" } }] },
};

onCluster(
  "a deploy says what it waits for, ends at a refusal, and a live app's refusal is shown",
  async (cluster) => {
    const registry = { UNKEY_REGISTRY_URL: `${cluster.registry}/platform` };
    await using bed = await Testbed.start({
      workerEnv: registry,
      kraneEnv: {
        ...registry,
        UNKEY_RUNTIME: "kubernetes",
        KUBECONFIG: cluster.kubeconfig,
        UNKEY_KRANE_DRAIN_MS: "1000",
        UNKEY_KRANE_STOP_GRACE_SECONDS: "2",
      },
    });
    const { slug } = await bed.project("shop");
    const folder = await writeApp(bed, serves("hello"));
    const deploy = (...args: readonly string[]) =>
      bed.unkey(["deploy", folder, "--project", slug, "--env", "production", ...args]);
    const shown = async (...args: readonly string[]) =>
      JSON.parse((await bed.unkey(["status", ...args, "--json"])).stdout);
    try {
      const first = JSON.parse((await deploy("--json")).stdout);
      const namespace = await namespaceOf(cluster, bed);
      const own = (args: readonly string[], object?: unknown): Promise<string> =>
        kubectl(
          cluster,
          ["-n", namespace, ...args],
          object === undefined ? undefined : JSON.stringify(object),
        );

      await own(["apply", "-f", "-"], quota(1));
      const waiting = deploy("--output", "ndjson");
      await eventually("the step to say what it waits for", async () => {
        const { deployments } = JSON.parse((await bed.unkey(["list", "--project", slug, "--json"])).stdout);
        const { steps } = await shown(deployments[0].id);
        return steps.some(({ message }: EventLine) =>
          /^Waiting: .*exceeded quota: few-pods/.test(message ?? "")
        );
      });
      await own(["delete", "resourcequota", "few-pods"]);
      const second = await waiting;
      assert.equal(second.code, 0, second.stdout + second.stderr);
      const lines: EventLine[] = second.stdout.trim().split("\n").map((line) => JSON.parse(line));
      assert.ok(
        lines.some(({ kind, message = "" }) => kind === "step" && /^Waiting: .*exceeded quota/.test(message)),
        "a program that reads the events sees it, too",
      );

      await own(["apply", "-f", "-"], LIMIT_RANGE);
      const refused = await deploy();
      assert.equal(refused.code, START_EXIT, refused.stderr);
      assert.match(
        refused.stderr,
        /\.\. Waiting: Kubernetes does not take the app's pods: maximum memory usage/,
      );
      assert.match(
        refused.stderr,
        /^error: Kubernetes does not .*maximum memory usage.*unkey deploy --memory/m,
      );

      const id = lines.at(-1)?.id ?? "";
      await own(["delete", "pod", "--wait=false", "-l", `${LABEL.deployment}=${id}`]);
      await eventually("the live app's refusal", async () => {
        const { instances } = await shown(id);
        const [instance] = instances.list.filter(({ reason }: { reason: string }) => reason === "refused");
        return instance !== undefined && instance.since > 0 && /maximum memory usage/.test(instance.message);
      });
      assert.match(
        (await bed.unkey(["status"])).stdout,
        /does not run 1 deployment: "unkey status <deployment>"/,
      );
      await own(["delete", "limitrange", "small"]);
      await answers(bed, first.urls[0], "hello");
      await eventually("the events to tell of both", async () => {
        const { events } = await shown(id, "--events");
        const kinds = events.filter(({ reason }: { reason: string }) => reason === "refused")
          .map(({ kind }: EventLine) => kind);
        return kinds.join() === "trouble,recovered";
      });
    } finally {
      await bed.parts.krane.kill("SIGKILL");
      await kubectl(cluster, ["delete", "namespaces", "--wait=false", "-l", `${LABEL.region}=${bed.region}`]);
    }
  },
);

async function namespaceOf(cluster: Cluster, bed: Testbed): Promise<string> {
  const selector = ["-l", `${LABEL.region}=${bed.region}`, "-o", "jsonpath={.items[0].metadata.namespace}"];
  return await kubectl(cluster, ["get", "replicasets", "--all-namespaces", ...selector]);
}
