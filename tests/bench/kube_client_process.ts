/** One client's part of `kube_client.ts`, in a process of its own: `own <kubeconfig>` or `library <kubeconfig>`. */
// deno-lint-ignore-file no-console -- its output is read by the bench
import process from "node:process";
import {
  AnyObject,
  applyObject,
  deleteObject,
  loadAccess,
  openCluster,
  SECRETS,
} from "../../pkg/kube/mod.ts";
import { residentMib } from "./memory.ts";

export type ClientName = "own" | "library";

/** Milliseconds, of one call or of all. */
export interface ClientNumbers {
  readonly applyMs: number;
  readonly burstMs: number;
  readonly burstCpuMs: number;
  readonly failedDeletes: number;
  readonly calls: number;
  readonly residentMib: number;
}

interface Client {
  apply(name: string, value: string): Promise<unknown>;
  delete(name: string): Promise<unknown>;
}

const WARM_UP = 20;
const ONE_BY_ONE = 100;
const AT_ONCE = 200;
const LIMIT_MS = 300_000;

const manifest = (name: string, value: string) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "default" },
  stringData: { value },
});

async function ownClient(kubeconfig: string): Promise<Client> {
  const cluster = openCluster(await loadAccess({ kubeconfig }));
  const signal = AbortSignal.timeout(LIMIT_MS);
  return {
    apply: (name, value) =>
      applyObject(cluster, SECRETS, manifest(name, value), {
        fieldManager: "bench",
        schema: AnyObject,
        signal,
      }),
    delete: (name) =>
      deleteObject(cluster, SECRETS, { namespace: "default", name }, { propagation: "Background", signal }),
  };
}

async function libraryClient(kubeconfig: string): Promise<Client> {
  const { KubeConfig, KubernetesObjectApi, PatchStrategy } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const api = KubernetesObjectApi.makeApiClient(config);
  return {
    apply: (name, value) =>
      api.patch(manifest(name, value), undefined, undefined, "bench", true, PatchStrategy.ServerSideApply),
    delete: (name) => api.delete(manifest(name, "")),
  };
}

async function measure(client: Client): Promise<ClientNumbers> {
  for (let n = 0; n < WARM_UP; n++) await client.apply("warm", String(n));
  let startedMs = performance.now();
  for (let n = 0; n < ONE_BY_ONE; n++) await client.apply("one", String(n));
  const applyMs = (performance.now() - startedMs) / ONE_BY_ONE;
  const names = Array.from({ length: AT_ONCE }, (_, n) => `burst-${n}`);
  const cpu = process.cpuUsage();
  startedMs = performance.now();
  await Promise.all(names.map((name) => client.apply(name, "x")));
  const burstMs = performance.now() - startedMs;
  const { system, user } = process.cpuUsage(cpu);
  const deleted = await Promise.allSettled(names.map((name) => client.delete(name)));
  return {
    applyMs,
    burstMs,
    burstCpuMs: (system + user) / 1_000,
    failedDeletes: deleted.filter(({ status }) => status === "rejected").length,
    calls: WARM_UP + ONE_BY_ONE + 2 * AT_ONCE,
    residentMib: await residentMib(Deno.pid),
  };
}

const [name, kubeconfig = ""] = Deno.args;
const client = await (name === "own" ? ownClient(kubeconfig) : libraryClient(kubeconfig));
console.log(JSON.stringify(await measure(client)));
// The library keeps timers of its connections.
Deno.exit(0);
