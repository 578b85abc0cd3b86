/**
 * A Kubernetes API of a test's own: a real apiserver over a real etcd, without nodes, that the test may stop at will.
 *
 * ```ts
 * await using api = await PrivateApiserver.open();
 * const cluster = openCluster(await loadAccess({ kubeconfig: api.kubeconfig }));
 * await api.kill(); await api.start();
 * ```
 *
 * The programs come from `dev/parts/kubernetes.sh`, or from the folder that `KUBEBUILDER_ASSETS` names.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { addCertificate, type CertificateFiles, makeCertificate } from "./certificate.ts";
import { freePort } from "./ports.ts";

const READY_MS_MAX = 180_000;
const END_MS_MAX = 60_000;
const TOKEN = "private-apiserver-admin";

/** The folder with `kube-apiserver` and `etcd`, or `undefined` when they are not built. */
export function findApiserver(): string | undefined {
  const cache = Deno.env.get("UNKEY_DEV_CACHE") ??
    `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/unkey-dev`;
  const folders = [Deno.env.get("KUBEBUILDER_ASSETS"), ...builtIn(cache)];
  return folders.find((folder) =>
    folder !== undefined && exists(`${folder}/kube-apiserver`) && exists(`${folder}/etcd`)
  );
}

/** An apiserver with its etcd. */
export class PrivateApiserver implements AsyncDisposable {
  readonly #programs: string;
  readonly #folder: string;
  readonly #ports: { readonly etcd: number; readonly peers: number; readonly api: number };
  #etcd: ChildProcess | undefined;
  #api: ChildProcess | undefined;

  private constructor(programs: string, folder: string) {
    this.#programs = programs;
    this.#folder = folder;
    this.#ports = { etcd: freePort(), peers: freePort(), api: freePort() };
  }

  static async open(): Promise<PrivateApiserver> {
    const programs = findApiserver();
    if (programs === undefined) throw new Error("no kube-apiserver: run dev/parts/kubernetes.sh");
    const api = new PrivateApiserver(programs, await Deno.makeTempDir({ prefix: "unkey-test-apiserver-" }));
    try {
      await api.#prepare();
      api.#startEtcd();
      await api.start();
      return api;
    } catch (error) {
      await api[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A kubeconfig of an administrator. */
  get kubeconfig(): string {
    return `${this.#folder}/kubeconfig`;
  }

  get server(): string {
    return `https://127.0.0.1:${this.#ports.api}`;
  }

  /** The bearer token of the kubeconfig's administrator. */
  get token(): string {
    return TOKEN;
  }

  /** A certificate that the API takes for `user`; members of the group `system:masters` may do everything. */
  async clientCertificate(user: string, group = "system:masters"): Promise<CertificateFiles> {
    const folder = `${this.#folder}/clients`;
    return await addCertificate(folder, [`DNS:${user}`], `${user}-`, `/O=${group}/CN=${user}`);
  }

  /** Starts the apiserver, at the same address as before and over the same data, and waits until it answers. */
  async start(): Promise<void> {
    const { api, etcd } = this.#ports;
    const folder = this.#folder;
    this.#api = this.#spawn("kube-apiserver", [
      `--etcd-servers=http://127.0.0.1:${etcd}`,
      `--cert-dir=${folder}`,
      `--secure-port=${api}`,
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      "--endpoint-reconciler-type=none",
      "--service-cluster-ip-range=10.96.0.0/24",
      `--service-account-key-file=${folder}/accounts.key`,
      `--service-account-signing-key-file=${folder}/accounts.key`,
      "--service-account-issuer=https://kubernetes.default.svc",
      "--api-audiences=https://kubernetes.default.svc",
      `--token-auth-file=${folder}/tokens.csv`,
      `--client-ca-file=${folder}/clients/authority.pem`,
      "--authorization-mode=RBAC",
      "--disable-admission-plugins=ServiceAccount",
    ]);
    await this.#ready();
    await this.#writeKubeconfig();
  }

  /** Ends the apiserver at once, as a crash would. */
  async kill(): Promise<void> {
    await end(this.#api);
  }

  /** Stops the apiserver without closing its connections; what is asked of it is answered after `thaw`. */
  freeze(): void {
    send(this.#api, "SIGSTOP");
  }

  thaw(): void {
    send(this.#api, "SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#api);
    await end(this.#etcd);
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #prepare(): Promise<void> {
    const { success } = await new Deno.Command("openssl", {
      args: ["genrsa", "-out", `${this.#folder}/accounts.key`, "2048"],
      stderr: "null",
    }).output();
    if (!success) throw new Error("openssl cannot make a key");
    await makeCertificate(`${this.#folder}/clients`, ["DNS:unused"]);
    await Deno.writeTextFile(`${this.#folder}/tokens.csv`, `${TOKEN},admin,admin,"system:masters"\n`);
  }

  #startEtcd(): void {
    const { etcd, peers } = this.#ports;
    const [url, peerUrl] = [`http://127.0.0.1:${etcd}`, `http://127.0.0.1:${peers}`];
    this.#etcd = this.#spawn("etcd", [
      "--name=test",
      `--data-dir=${this.#folder}/etcd`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=test=${peerUrl}`,
      "--unsafe-no-fsync",
      "--log-level=warn",
    ]);
  }

  #spawn(name: string, args: readonly string[]): ChildProcess {
    const log = openSync(`${this.#folder}/${name}.log`, "a");
    const child = spawn(`${this.#programs}/${name}`, [...args], { stdio: ["ignore", log, log] });
    closeSync(log);
    return child;
  }

  async #ready(): Promise<void> {
    const deadline = performance.now() + READY_MS_MAX;
    while (!(await this.#answers())) {
      const ended = this.#api?.exitCode !== null;
      if (!ended && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      const log = await Deno.readTextFile(`${this.#folder}/kube-apiserver.log`).catch(() => "");
      throw new Error(`kube-apiserver does not start:\n${log.split("\n").slice(-15).join("\n")}`);
    }
  }

  async #answers(): Promise<boolean> {
    const authority = await Deno.readTextFile(`${this.#folder}/apiserver.crt`).catch(() => undefined);
    if (authority === undefined) return false;
    using client = Deno.createHttpClient({ caCerts: [authority] });
    try {
      const signal = AbortSignal.timeout(10_000);
      const response = await fetch(`${this.server}/readyz`, {
        client,
        signal,
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }

  async #writeKubeconfig(): Promise<void> {
    const text = [
      "apiVersion: v1",
      "kind: Config",
      "current-context: test",
      "contexts:",
      "- {name: test, context: {cluster: test, user: admin}}",
      "clusters:",
      `- {name: test, cluster: {server: "${this.server}", certificate-authority: apiserver.crt}}`,
      "users:",
      `- {name: admin, user: {token: ${TOKEN}}}`,
    ];
    await Deno.writeTextFile(this.kubeconfig, `${text.join("\n")}\n`);
  }
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  send(child, "SIGKILL");
  const limit = AbortSignal.timeout(END_MS_MAX);
  await Promise.race([
    gone,
    new Promise<void>((resolve) => limit.addEventListener("abort", () => resolve())),
  ]);
}

/** Not the child's own `kill`, which takes any first signal for its end. */
function send(child: ChildProcess | undefined, signal: Deno.Signal): void {
  if (child?.pid !== undefined && child.exitCode === null) Deno.kill(child.pid, signal);
}

function builtIn(cache: string): string[] {
  try {
    return [...Deno.readDirSync(cache)].filter(({ name }) => name.startsWith("kubernetes-"))
      .map(({ name }) => `${cache}/${name}`).toSorted().toReversed();
  } catch {
    return [];
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
