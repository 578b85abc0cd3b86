/** The bed has no cluster DNS: CoreDNS, as clusters have it, among the pods of kube-system. */
import { built } from "../../../dev/bed/part.ts";
import { type Cluster, kubectl } from "../../testbed/cluster.ts";
import { pushImage } from "../../testbed/images.ts";

const PROGRAM = "/coredns";
const COREFILE = `.:5353 {
  errors
  ready :8181
  kubernetes cluster.local
}
`;

/** Removes it when it is disposed of. */
export interface ClusterDns extends AsyncDisposable {
  /** Address of its Service. */
  readonly address: string;
}

/** Starts a DNS of this name. Its pods listen on 5353, and its Service on 53. */
export async function startClusterDns(cluster: Cluster, name: string): Promise<ClusterDns> {
  const image = await pushImage(cluster, "coredns", {
    copies: { [PROGRAM]: await built("coredns") },
    entrypoint: [PROGRAM],
  });
  const stop = async (): Promise<void> => {
    const own = ["-l", `unkey-test=${name}`, "--ignore-not-found", "--wait=false"];
    await kubectl(cluster, ["delete", "-n", "kube-system", KINDS, ...own]);
    await kubectl(cluster, ["delete", "clusterroles,clusterrolebindings", ...own]);
  };
  try {
    await kubectl(cluster, ["apply", "-f", "-"], JSON.stringify(objects(name, image)));
    const wait = ["rollout", "status", "-n", "kube-system", `deployment/${name}`, "--timeout=180s"];
    await kubectl(cluster, wait);
    const address = ["get", "service", "-n", "kube-system", name, "-o", "jsonpath={.spec.clusterIP}"];
    return { address: await kubectl(cluster, address), [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const KINDS = "deployments,services,configmaps,serviceaccounts";

function objects(name: string, image: string): object {
  const labels = { "unkey-test": name };
  const own = { name, namespace: "kube-system", labels };
  const rules = [
    { apiGroups: [""], resources: ["services", "pods", "namespaces", "endpoints"], verbs: ["list", "watch"] },
    { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
  ];
  const group = "rbac.authorization.k8s.io";
  const items = [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: own },
    { apiVersion: `${group}/v1`, kind: "ClusterRole", metadata: { name, labels }, rules },
    {
      apiVersion: `${group}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name, labels },
      roleRef: { apiGroup: group, kind: "ClusterRole", name },
      subjects: [{ kind: "ServiceAccount", name, namespace: "kube-system" }],
    },
    { apiVersion: "v1", kind: "ConfigMap", metadata: own, data: { Corefile: COREFILE } },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: own,
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod(name, image) } },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: own,
      spec: {
        selector: labels,
        ports: [
          { name: "udp", protocol: "UDP", port: 53, targetPort: 5353 },
          { name: "tcp", protocol: "TCP", port: 53, targetPort: 5353 },
        ],
      },
    },
  ];
  return { apiVersion: "v1", kind: "List", items };
}

function pod(name: string, image: string): object {
  return {
    serviceAccountName: name,
    terminationGracePeriodSeconds: 1,
    containers: [{
      name: "coredns",
      image,
      args: ["-conf", "/etc/coredns/Corefile"],
      readinessProbe: { httpGet: { path: "/ready", port: 8181 }, periodSeconds: 1 },
      volumeMounts: [{ name: "config", mountPath: "/etc/coredns" }],
    }],
    volumes: [{ name: "config", configMap: { name } }],
  };
}
