import assert from "node:assert/strict";
import { until } from "../../svc/krane/testing.ts";
import { ownLabels } from "../../svc/krane/internal/runtime/kubernetes/labels.ts";
import { type Cluster, kubectl, onCluster } from "../testbed/cluster.ts";
import { eventually } from "../testbed/wait.ts";
import { IMAGE, KraneBed, REGION } from "./krane_bed.ts";

onCluster(
  "a broken container that the cluster puts beside an app is named, and the app is not blamed",
  async (cluster) => {
    await using bed = await KraneBed.open(cluster);
    await using _ = await injection(cluster, bed);
    const name = bed.name();
    await bed.agent();
    await bed.plane.snapshot(0, 1, bed.apply(name, 1));
    const instance = await until(
      "the container beside it to be named",
      () => bed.plane.instances(name).find(({ reason }) => reason === "sidecar"),
    );
    assert.match(instance.message, /app itself is ready.*"mesh-proxy" beside it ended.* with exit code 7/);
  },
);

/** A policy that adds a container to each pod of the namespace; it is at work when this returns. */
async function injection(cluster: Cluster, bed: KraneBed): Promise<AsyncDisposable> {
  const { namespace: name } = bed;
  const container =
    `Object.spec.containers{name: "mesh-proxy", image: "${IMAGE}", command: ["sh", "-c", "exit 7"]}`;
  const metadata = { name };
  const api = { apiVersion: "admissionregistration.k8s.io/v1" };
  const objects = [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, labels: ownLabels({ region: REGION, controlPlaneId: bed.id }) },
    },
    {
      ...{ ...api, kind: "MutatingAdmissionPolicy", metadata },
      spec: {
        ...{ failurePolicy: "Fail", reinvocationPolicy: "Never" },
        matchConstraints: {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } },
          resourceRules: [{
            apiGroups: [""],
            apiVersions: ["v1"],
            operations: ["CREATE"],
            resources: ["pods"],
          }],
        },
        mutations: [{
          patchType: "JSONPatch",
          jsonPatch: {
            expression: `[JSONPatch{op: "add", path: "/spec/containers/0", value: ${container}}]`,
          },
        }],
      },
    },
    { ...api, kind: "MutatingAdmissionPolicyBinding", metadata, spec: { policyName: name } },
  ];
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  await kubectl(cluster, ["create", "-f", "-"], list);
  const dryRun = ["run", "probe", `--image=${IMAGE}`, "-n", name, "--dry-run=server", "-o", "name,spec"];
  dryRun.splice(-1, 1, "jsonpath={.spec.containers[*].name}");
  await eventually(
    "the policy to be at work",
    async () => (await kubectl(cluster, dryRun).catch(() => "")).includes("mesh-proxy"),
  );
  return {
    async [Symbol.asyncDispose]() {
      const kinds = "mutatingadmissionpolicies,mutatingadmissionpolicybindings";
      await kubectl(cluster, ["delete", kinds, name, "--ignore-not-found"]);
    },
  };
}
