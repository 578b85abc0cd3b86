import assert from "node:assert/strict";
import { LABEL } from "../../svc/krane/internal/runtime/kubernetes/labels.ts";
import { serves } from "../testbed/apps.ts";
import { askAt } from "../testbed/ask.ts";
import { type Cluster, kubectl, onCluster } from "../testbed/cluster.ts";
import { answers, Testbed, writeApp } from "../testbed/testbed.ts";
import { eventually } from "../testbed/wait.ts";
import { pushPlatform } from "./sentinel_bed.ts";

const SENTINEL_MS = 300_000;

/** A platform on the cluster whose environments get sentinels, in a namespace of their own. */
async function startBed(cluster: Cluster, namespace: string): Promise<Testbed> {
  const [image = ""] = await pushPlatform(cluster, ["sentinel-platform"]);
  const registry = { UNKEY_REGISTRY_URL: `${cluster.registry}/sentinel` };
  const kraneEnv: Record<string, string> = {
    ...registry,
    UNKEY_RUNTIME: "kubernetes",
    KUBECONFIG: cluster.kubeconfig,
    UNKEY_KRANE_SENTINEL_NAMESPACE: namespace,
    UNKEY_KRANE_DRAIN_MS: "1000",
    UNKEY_KRANE_STOP_GRACE_SECONDS: "2",
  };
  const bed = await Testbed.start({
    apiEnv: { UNKEY_HTTP_HOST: "0.0.0.0" },
    workerEnv: { ...registry, UNKEY_SENTINEL_IMAGE: image },
    kraneEnv,
  });
  // Pods reach this machine by another address, and the port is known only now.
  kraneEnv["UNKEY_KRANE_SENTINEL_CONTROL_PLANE_URL"] = `http://${cluster.hostAddress}:${bed.ports.api}`;
  await bed.parts.krane.kill("SIGTERM");
  await bed.parts.krane.start();
  return bed;
}

onCluster(
  "a deployed app answers through the edge and through its environment's sentinel",
  async (cluster) => {
    const namespace = `test-${crypto.randomUUID().slice(0, 8)}`;
    await using bed = await startBed(cluster, namespace);
    try {
      const { slug } = await bed.project("shop");
      const folder = await writeApp(bed, serves("hello there"));
      const unkey = async (...args: string[]): Promise<string> => {
        const { code, stdout, stderr } = await bed.unkey([...args, "--project", slug, "--json"]);
        assert.equal(code, 0, stdout + stderr);
        return stdout;
      };
      await unkey("env", "create", "staging");
      const { urls }: { urls: string[] } = JSON.parse(await unkey("deploy", folder, "--env", "staging"));
      const url = new URL(urls[0] ?? "");
      await answers(bed, url.href, "hello there");

      const list = (...what: string[]): Promise<string> =>
        kubectl(cluster, ["-n", namespace, "get", ...what]);
      const ask = async (): Promise<string> => {
        const address = await list("services", "-o", "jsonpath={.items[*].spec.clusterIP}");
        if (address === "") return "no service yet";
        const where = { address, port: 8040, path: "/", headers: { host: url.hostname } };
        return await askAt(where).then(({ status, body }) => `${status} ${body}`, String);
      };
      await eventually("the sentinel to answer", async () => /^200 .*hello there/s.test(await ask()), {
        deadlineMs: SENTINEL_MS,
      });
      const shown = async () => {
        const { stdout } = await bed.unkey(["status", "--json"]);
        return /"sentinels":\s*\{\s*"desired":\s*1,\s*"healthy":\s*1/.test(stdout);
      };
      await eventually("the status to show it", shown);

      await unkey("env", "delete", "staging", "--stop", "--yes");
      const kinds = "deployments,services,secrets,networkpolicies,poddisruptionbudgets,pods";
      await eventually("nothing of it to be left", async () => await list(kinds, "-o", "name") === "", {
        deadlineMs: SENTINEL_MS,
      });
    } finally {
      await bed.parts.krane.kill("SIGKILL");
      const selector = `${LABEL.region}=${bed.region}`;
      await kubectl(cluster, ["delete", "namespaces", "--wait=false", "-l", selector]);
    }
  },
);
