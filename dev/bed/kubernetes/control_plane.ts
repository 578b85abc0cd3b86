import { untilReady } from "../daemon.ts";
import type { Starting } from "../folder.ts";
import { answers, freePorts, run } from "../part.ts";
import { NODE_ADDRESS, Places, SERVICE_CIDR } from "./settings.ts";

/** Where to find a program of the cluster. */
export type FindProgram = (name: string) => string;

/** Starts etcd, the apiserver, the controller manager and the scheduler. Answers with the apiserver's URL. */
export async function startControlPlane(starting: Starting, program: FindProgram): Promise<string> {
  const [etcd = 0, etcdPeers = 0, api = 0, controllers = 0, scheduler = 0] = freePorts(5);
  const etcdUrl = `http://127.0.0.1:${etcd}`;
  const apiUrl = `https://${NODE_ADDRESS}:${api}`;
  await startEtcd(starting, program("etcd"), etcdUrl, `http://127.0.0.1:${etcdPeers}`);
  await startApiserver(starting, program, { etcdUrl, apiUrl, port: api });
  const { kubeconfig, apiserver } = new Places(starting.folder);
  const common = [`--kubeconfig=${kubeconfig}`, "--leader-elect=false", "--bind-address=127.0.0.1"];
  const parts = await Promise.all([
    starting.launch({
      name: "kube-controller-manager",
      command: program("kube-controller-manager"),
      args: [
        ...common,
        `--secure-port=${controllers}`,
        `--service-account-private-key-file=${apiserver}/accounts.key`,
        `--root-ca-file=${apiserver}/apiserver.crt`,
        "--allocate-node-cidrs=false",
        `--flex-volume-plugin-dir=${starting.folder}/volume-plugins`,
        // A node that is gone is seen within seconds, so that a test can wait for it.
        "--node-monitor-period=2s",
        "--node-monitor-grace-period=20s",
      ],
    }),
    starting.launch({
      name: "kube-scheduler",
      command: program("kube-scheduler"),
      args: [...common, `--secure-port=${scheduler}`],
    }),
  ]);
  for (const part of parts) {
    const port = part.name === "kube-scheduler" ? scheduler : controllers;
    await untilReady(part, () => healthy(`https://127.0.0.1:${port}/healthz`));
  }
  return apiUrl;
}

async function startEtcd(starting: Starting, command: string, url: string, peers: string): Promise<void> {
  const daemon = await starting.launch({
    name: "etcd",
    command,
    args: [
      "--name=testbed",
      `--data-dir=${starting.folder}/etcd`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peers}`,
      `--initial-advertise-peer-urls=${peers}`,
      `--initial-cluster=testbed=${peers}`,
      "--unsafe-no-fsync",
      "--log-level=warn",
    ],
  });
  await untilReady(daemon, () => answers(`${url}/health`));
}

async function startApiserver(
  starting: Starting,
  program: FindProgram,
  { etcdUrl, apiUrl, port }: { readonly etcdUrl: string; readonly apiUrl: string; readonly port: number },
): Promise<void> {
  const { apiserver, kubeconfig } = new Places(starting.folder);
  await Deno.mkdir(apiserver, { recursive: true });
  await run("openssl", ["genrsa", "-out", `${apiserver}/accounts.key`, "2048"]);
  const token = crypto.randomUUID();
  await Deno.writeTextFile(`${apiserver}/tokens.csv`, `${token},admin,admin,"system:masters"\n`, {
    mode: 0o600,
  });
  const daemon = await starting.launch({
    name: "kube-apiserver",
    command: program("kube-apiserver"),
    args: [
      `--etcd-servers=${etcdUrl}`,
      `--cert-dir=${apiserver}`,
      `--secure-port=${port}`,
      `--bind-address=${NODE_ADDRESS}`,
      `--advertise-address=${NODE_ADDRESS}`,
      "--kubelet-preferred-address-types=InternalIP",
      `--service-cluster-ip-range=${SERVICE_CIDR}`,
      `--service-account-key-file=${apiserver}/accounts.key`,
      `--service-account-signing-key-file=${apiserver}/accounts.key`,
      "--service-account-issuer=https://kubernetes.default.svc",
      "--api-audiences=https://kubernetes.default.svc",
      `--token-auth-file=${apiserver}/tokens.csv`,
      "--authorization-mode=Node,RBAC",
      "--allow-privileged=true",
    ],
  });
  await untilReady(daemon, () => healthy(`${apiUrl}/readyz`));
  await writeKubeconfig(kubeconfig, apiUrl, await Deno.readTextFile(`${apiserver}/apiserver.crt`), token);
}

/** Asks without looking at the certificate: each of these parts makes its own. */
async function healthy(url: string): Promise<boolean> {
  const curl = new Deno.Command("curl", {
    args: ["--silent", "--insecure", "--noproxy", "*", "--fail", "--max-time", "2", url],
    stdout: "null",
    stderr: "null",
  });
  return (await curl.output()).success;
}

async function writeKubeconfig(
  file: string,
  server: string,
  authority: string,
  token: string,
): Promise<void> {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "testbed", cluster: { server, "certificate-authority-data": btoa(authority) } }],
    users: [{ name: "admin", user: { token } }],
    contexts: [{ name: "testbed", context: { cluster: "testbed", user: "admin" } }],
    "current-context": "testbed",
  };
  await Deno.writeTextFile(file, JSON.stringify(config, null, 2), { mode: 0o600 });
}
