import { untilReady } from "../daemon.ts";
import type { Starting } from "../folder.ts";
import { answers, freePorts, run } from "../part.ts";
import type { FindProgram } from "./control_plane.ts";
import { CGROUP, NODE_ADDRESS, NODE_NAME, Places, POD_CIDR } from "./settings.ts";

/** Starts the kubelet and kube-proxy, and waits until pods can be scheduled. */
export async function startNode(starting: Starting, program: FindProgram): Promise<void> {
  const { kubeconfig } = new Places(starting.folder);
  const [kubelet = 0, kubeletHealth = 0, proxyHealth = 0, proxyMetrics = 0] = freePorts(4);
  const kubeletConfig = await writeConfig(`${starting.folder}/kubelet.json`, {
    ...KUBELET,
    containerRuntimeEndpoint: `unix://${new Places(starting.folder).containerdSocket}`,
    port: kubelet,
    healthzPort: kubeletHealth,
    podLogsDir: `${starting.folder}/pod-logs`,
    volumePluginDir: `${starting.folder}/volume-plugins`,
    staticPodPath: "",
  });
  const daemon = await starting.launch({
    name: "kubelet",
    command: program("kubelet"),
    args: [
      `--config=${kubeletConfig}`,
      `--kubeconfig=${kubeconfig}`,
      `--root-dir=${starting.folder}/kubelet`,
      `--cert-dir=${starting.folder}/kubelet-certificates`,
      `--hostname-override=${NODE_NAME}`,
      `--node-ip=${NODE_ADDRESS}`,
    ],
    env: { PATH: `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin` },
  });
  const kubectl = (...args: string[]): Promise<string> =>
    run(program("kubectl"), [
      ...["--kubeconfig", kubeconfig, "--cache-dir", `${starting.folder}/kubectl-cache`],
      ...args,
    ]);
  await untilReady(daemon, async () => {
    const status = `jsonpath={.status.conditions[?(@.type=="Ready")].status}`;
    return await kubectl("get", "node", NODE_NAME, "-o", status).catch(() => "") === "True";
  });
  const proxyConfig = await writeConfig(`${starting.folder}/kube-proxy.json`, {
    ...KUBE_PROXY,
    clientConnection: { kubeconfig },
    healthzBindAddress: `127.0.0.1:${proxyHealth}`,
    metricsBindAddress: `127.0.0.1:${proxyMetrics}`,
  });
  const proxy = await starting.launch({
    name: "kube-proxy",
    command: program("kube-proxy"),
    args: [`--config=${proxyConfig}`],
    env: { PATH: `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin` },
  });
  await untilReady(proxy, () => answers(`http://127.0.0.1:${proxyHealth}/healthz`));
  await untilReady(daemon, () => kubectl("get", "serviceaccount", "default").then(() => true, () => false));
}

const KUBELET = {
  apiVersion: "kubelet.config.k8s.io/v1beta1",
  kind: "KubeletConfiguration",
  address: NODE_ADDRESS,
  readOnlyPort: 0,
  // The apiserver has no certificate that the kubelet knows: logs and exec need this.
  authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
  authorization: { mode: "AlwaysAllow" },
  cgroupDriver: "cgroupfs",
  cgroupRoot: `/${CGROUP}`,
  failCgroupV1: false,
  failSwapOn: false,
  // Only kube-proxy writes rules, and takes them back.
  makeIPTablesUtilChains: false,
  maxPods: 250,
  // The machine does other things beside; its disk and memory are not the cluster's to judge.
  evictionHard: {
    "memory.available": "50Mi",
    "nodefs.available": "1%",
    "nodefs.inodesFree": "1%",
    "imagefs.available": "1%",
  },
  imageGCHighThresholdPercent: 100,
  serializeImagePulls: false,
  registryPullQPS: 0,
  eventRecordQPS: 0,
  nodeStatusUpdateFrequency: "4s",
  nodeLeaseDurationSeconds: 10,
  shutdownGracePeriod: "0s",
};

const KUBE_PROXY = {
  apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
  kind: "KubeProxyConfiguration",
  mode: "iptables",
  hostnameOverride: NODE_NAME,
  clusterCIDR: POD_CIDR,
  bindAddress: NODE_ADDRESS,
  iptables: { localhostNodePorts: false, minSyncPeriod: "100ms" },
  conntrack: { maxPerCore: 0, min: 0 },
};

async function writeConfig(file: string, config: object): Promise<string> {
  await Deno.writeTextFile(file, JSON.stringify(config, null, 2));
  return file;
}
