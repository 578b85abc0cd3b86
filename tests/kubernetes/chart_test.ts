/** The Helm chart: the same objects as the manifests, installed, upgraded and uninstalled. */
import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { LABEL, ownLabels } from "../../svc/krane/internal/runtime/kubernetes/labels.ts";
import { kubectl, onCluster } from "../testbed/cluster.ts";
import { eventually } from "../testbed/wait.ts";
import { CHART, chartValues, helm } from "./installed/chart.ts";
import { bedObjects, relocated } from "./installed/overlay.ts";
import { copyHello, Installed, inSurroundings, PARTS, stepsOf } from "./installed/platform.ts";

const MANIFESTS = new URL("../../dev/k8s/manifests", import.meta.url).pathname;
const RELEASE = "platform";
const Named = z.looseObject({ kind: z.string(), metadata: z.looseObject({ name: z.string() }) });

onCluster(
  "the chart makes what the manifests are, and takes no value that it does not know",
  async (cluster) => {
    const folder = await Deno.makeTempDir({ prefix: "unkey-chart-" });
    const own = (...args: string[]): Promise<string> => helm(cluster, folder, args);
    try {
      await own("lint", "--strict", CHART);
      const made = byName(await own("template", RELEASE, CHART, "--namespace", "unkey"));
      const wanted = byName(await kubectl(cluster, ["kustomize", MANIFESTS]));
      // Helm makes the namespace itself.
      wanted.delete("Namespace unkey");
      assert.deepEqual([...made.keys()].toSorted(), [...wanted.keys()].toSorted());
      for (const [name, object] of wanted) assert.deepEqual(made.get(name), object, name);

      const refused = own("template", RELEASE, CHART, "--set", "ctrlApi.replica=3");
      await assert.rejects(refused, /additional properties 'replica' not allowed/);
      const number = own("template", RELEASE, CHART, "--set", "config.krane.UNKEY_HTTP_PORT=3000000");
      await assert.rejects(number, /got number, want .*string/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

onCluster(
  "the chart is installed, upgraded without a failed request, and uninstalled",
  async (cluster, t) => {
    await inSurroundings(cluster, async (surroundings) => {
      const { namespace, facts, folder } = surroundings;
      const platform = new Installed(surroundings);
      const step = stepsOf(t);
      const values = chartValues(facts);
      const own = async (command: string, changed: object, ...more: string[]): Promise<string> => {
        const file = `${folder}/values.json`;
        await Deno.writeTextFile(file, JSON.stringify({ ...values, ...changed }));
        return await helm(cluster, folder, [command, RELEASE, CHART, "-n", namespace, "-f", file, ...more]);
      };
      const bed = JSON.stringify({ apiVersion: "v1", kind: "List", items: bedObjects(facts) });
      const around = relocated(
        `${bed.replaceAll('"namespace":"unkey"', `"namespace":"${namespace}"`)}`,
        namespace,
      );
      let url = "";
      try {
        await kubectl(cluster, ["apply", "-f", "-"], around);
        await step("an app is deployed to what was installed", async () => {
          await own("install", {});
          await platform.admitParts();
          await platform.rolledOut(...PARTS);
          const { key } = await platform.workspace("acme");
          const hello = await copyHello(folder);
          await platform.unkey(["init", hello, "--project", "shop", "--yes"], key);
          const deployed = await platform.unkey(["deploy", hello, "--env", "production", "--json"], key);
          const { urls }: { urls: string[] } = JSON.parse(deployed);
          url = urls[0] ?? "";
          await eventually(`${url} to answer`, async () => /Hello/.test((await platform.get(url)).body));
        });

        await step(
          "an upgrade replaces the pods of a changed setting, keeps Secrets, and fails no request",
          async () => {
            const secrets = await platform.kubectl([
              "get",
              "secrets",
              "-l",
              "!owner",
              "-o",
              "jsonpath={.items[*].data}",
            ]);
            const asking = await platform.askAlways(url);
            const frontline = { UNKEY_FRONTLINE_KEEP_ALIVE_MS: "70000" };
            const config = { ...z.looseObject({}).parse(values["config"]), frontline };
            await own("upgrade", { config }, "--wait", "--timeout", "300s");
            const { asked, failed } = await asking.stop();
            assert.deepEqual(failed, [], `of ${asked} requests`);
            assert.match(
              await platform.kubectl(["exec", "deployment/frontline", "--", "sh", "-c", "export"]),
              /KEEP_ALIVE_MS='?70000/,
            );
            const after = await platform.kubectl([
              "get",
              "secrets",
              "-l",
              "!owner",
              "-o",
              "jsonpath={.items[*].data}",
            ]);
            assert.ok(after === secrets, "Secrets changed");
            const revisions = "jsonpath={.metadata.annotations.deployment\\.kubernetes\\.io/revision}";
            const ask = (name: string): Promise<string> =>
              platform.kubectl(["get", "deployment", name, "-o", revisions]);
            assert.deepEqual([await ask("frontline"), await ask("ctrl-api"), await ask("krane")], [
              "2",
              "1",
              "1",
            ]);
          },
        );
      } finally {
        await helm(cluster, folder, ["uninstall", RELEASE, "-n", namespace, "--wait", "--ignore-not-found"]);
        const mark = ownLabels({ region: "local", controlPlaneId: namespace })[LABEL.controlPlane];
        await kubectl(cluster, ["delete", "namespaces", "-l", `${LABEL.controlPlane}=${mark}`]);
        await kubectl(cluster, ["delete", "--ignore-not-found", "--wait=false", "-f", "-"], around);
      }
      await step("Secrets, the volume and the agent's Lease are left, and nothing else", async () => {
        const kinds =
          "deployments,statefulsets,services,configmaps,networkpolicies,poddisruptionbudgets,serviceaccounts," +
          "secrets,persistentvolumeclaims,leases";
        const left = (await platform.kubectl(["get", kinds, "-o", "name"])).split("\n").filter((each) =>
          each !== ""
        );
        const names = left.map((each) => each.replace(/^[^/]*\//, "").replace(/(unkey-krane)-\w+$/, "$1"));
        assert.deepEqual(names.toSorted(), [
          "buildkit-client",
          "buildkitd-tls",
          "control-plane",
          "data-restate-0",
          "default",
          "frontline",
          "krane",
          "kube-root-ca.crt",
          "restate-identity",
          "unkey-krane",
        ]);
      });
    });
  },
);

/** Objects by kind and name, without what only one of the two tools writes. */
function byName(text: string): Map<string, unknown> {
  const objects = parseAllDocuments(text, { version: "1.1" }).map((each) => each.toJS()).filter((each) =>
    each !== null
  );
  return new Map(objects.map((each) => {
    const object = Named.parse(each);
    // The suffix of a generated ConfigMap, here and in what names it.
    const plain: unknown = JSON.parse(
      JSON.stringify(object).replaceAll(/"(control-plane|krane|frontline)-[0-9a-z]{10}"/g, '"$1"'),
    );
    const { kind, metadata: { name } } = Named.parse(plain);
    return [`${kind} ${name}`, withoutEmpty(plain)];
  }));
}

const DEFAULTS: ReadonlySet<string> = new Set(["dnsPolicy", "ipFamilyPolicy", "checksum/config"]);

/** Empty lists and objects mean the same as none, and so do defaults of Kubernetes. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]): [string, unknown] => [key, withoutEmpty(each)]);
  const kept = entries.filter(([key, each]) => !DEFAULTS.has(key) && !isEmpty(key, each));
  return Object.fromEntries(kept);
}

function isEmpty(key: string, value: unknown): boolean {
  // Of a selector or an emptyDir it means everything, and not nothing.
  if (["podSelector", "namespaceSelector", "emptyDir"].includes(key)) return false;
  return value === null || value === "" ||
    (typeof value === "object" && Object.keys(value).length === 0);
}
