/** Overlays and components, as kustomize builds them: those that are shipped, and the one of the documentation. */
import assert from "node:assert/strict";
import { relative } from "node:path/posix";
import { parseAllDocuments } from "yaml";
import { type Cluster, kubectl, onCluster } from "../testbed/cluster.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const SHIPPED = `${ROOT}dev/k8s`;

/** Objects by kind and name, without the suffixes of generated ConfigMaps. */
async function build(cluster: Cluster, folder: string): Promise<Map<string, Record<string, unknown>>> {
  const text = await kubectl(cluster, ["kustomize", folder]);
  return new Map(
    parseAllDocuments(text).map((document) => {
      const object = document.toJS();
      return [`${object.kind} ${object.metadata.name.replace(/-[0-9a-z]{10}$/, "")}`, object];
    }),
  );
}

/** Builds a kustomization.yaml of this text, whose paths lead to the shipped ones. */
async function buildText(cluster: Cluster, text: string): Promise<Map<string, Record<string, unknown>>> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-overlay-" });
  try {
    const shipped = relative(folder, SHIPPED);
    await Deno.writeTextFile(
      `${folder}/kustomization.yaml`,
      text.replaceAll("../unkey/dev/k8s", shipped),
    );
    return await build(cluster, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

onCluster(
  "kustomize builds the overlay of the documentation, and its settings arrive",
  async (cluster) => {
    const page = await Deno.readTextFile(`${ROOT}docs/operate/kubernetes.md`);
    const [, text = ""] = /```yaml\n(apiVersion: kustomize[^`]*)```/.exec(page) ?? [];
    const objects = await buildText(cluster, text);
    assert.ok(objects.has("Deployment ctrl-api") && !objects.has("RuntimeClass gvisor"));
    const data = (name: string): unknown => objects.get(`ConfigMap ${name}`)?.["data"];
    assert.match(JSON.stringify(data("krane")), /"UNKEY_KRANE_RUNTIME_CLASS":""/);
    assert.match(JSON.stringify(data("control-plane")), /"UNKEY_EDGE_URL":"https:\/\/apps\.example\.com"/);
  },
);

onCluster("each component leaves out or adds what it says, and nothing else", async (cluster) => {
  const base = await build(cluster, `${SHIPPED}/manifests`);
  const changed = async (...components: readonly string[]): Promise<string[]> => {
    const objects = await buildText(
      cluster,
      JSON.stringify({
        apiVersion: "kustomize.config.k8s.io/v1beta1",
        kind: "Kustomization",
        resources: ["../unkey/dev/k8s/manifests"],
        components: components.map((each) => `../unkey/dev/k8s/components/${each}`),
      }),
    );
    return [...base.keys()].filter((name) => !objects.has(name)).toSorted();
  };
  assert.deepEqual(await changed("without-gvisor"), ["RuntimeClass gvisor"]);
  assert.deepEqual(await changed("without-builder"), [
    "ConfigMap buildkitd",
    "NetworkPolicy buildkitd",
    "Service buildkitd",
    "StatefulSet buildkitd",
  ]);
  assert.deepEqual(await changed("restate-cluster"), []);
});

onCluster("the overlay for Tilt has one pod of each part", async (cluster) => {
  const objects = await build(cluster, `${SHIPPED}/overlays/tilt`);
  for (const name of ["ctrl-api", "ctrl-worker", "krane", "frontline"]) {
    assert.match(JSON.stringify(objects.get(`Deployment ${name}`)?.["spec"]), /"replicas":1,/, name);
  }
});
