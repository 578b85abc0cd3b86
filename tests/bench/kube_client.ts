/** Our client of Kubernetes beside `@kubernetes/client-node`, on one real apiserver: the numbers of decision 0002. */
import { findApiserver, PrivateApiserver } from "../../pkg/testkit/apiserver.ts";
import { BOUNDS } from "./bounds.ts";
import type { ClientName, ClientNumbers } from "./kube_client_process.ts";
import { report, type Row } from "./row.ts";

const PROGRAM = new URL("kube_client_process.ts", import.meta.url).pathname;

/** Measures applies one by one, 200 at once, their deletion, and connections. */
export async function benchKubeClient(): Promise<Row[]> {
  if (findApiserver() === undefined) {
    const measured = "no kube-apiserver: run dev/parts/kubernetes.sh";
    return [{ measure: "Kubernetes client", measured, ok: undefined }];
  }
  await using api = await PrivateApiserver.open();
  const own = await measure(api, "own");
  const library = await measure(api, "library");
  const faster = (
    measure: string,
    bound: { readonly limit: number; readonly text: string },
    valueOf: (numbers: ClientNumbers) => number,
  ): Row => {
    const [ours, theirs] = [valueOf(own), valueOf(library)];
    return {
      measure: `Kubernetes client: ${measure}`,
      bound,
      measured: `${ours.toFixed(1)} ms, library ${theirs.toFixed(1)} ms`,
      ok: ours <= theirs * bound.limit,
    };
  };
  return [
    faster("apply, one by one", BOUNDS.kubeOneByOne, ({ applyMs }) => applyMs),
    faster("200 applies at once", BOUNDS.kubeCalls, ({ burstMs }) => burstMs),
    faster("200 applies at once, CPU", BOUNDS.kubeCalls, ({ burstCpuMs }) => burstCpuMs),
    {
      measure: "Kubernetes client: failed of 200 deletes at once",
      bound: BOUNDS.kubeDeletesFailed,
      measured: `${own.failedDeletes}, library ${library.failedDeletes}`,
      ok: own.failedDeletes === BOUNDS.kubeDeletesFailed.limit,
    },
    {
      measure: `Kubernetes client: connections of ${own.calls} calls`,
      bound: BOUNDS.kubeConnections,
      measured: `${own.connections}, library ${library.connections}`,
      ok: own.connections <= BOUNDS.kubeConnections.limit,
    },
    {
      measure: "Kubernetes client: memory after all, from sources, both with KubeConfig",
      bound: BOUNDS.kubeMemory,
      measured: `${own.residentMib.toFixed(0)} MiB, library ${library.residentMib.toFixed(0)} MiB`,
      ok: own.residentMib < library.residentMib * BOUNDS.kubeMemory.limit,
    },
  ];
}

async function measure(
  api: PrivateApiserver,
  client: ClientName,
): Promise<ClientNumbers & { readonly connections: number }> {
  await using relay = new CountingRelay(Number(new URL(api.server).port));
  const folder = await Deno.makeTempDir({ prefix: "unkey-bench-kube-" });
  try {
    const kubeconfig = `${folder}/kubeconfig`;
    const text = await Deno.readTextFile(api.kubeconfig);
    const authority = `${api.kubeconfig.replace(/[^/]*$/, "")}apiserver.crt`;
    await Deno.writeTextFile(
      kubeconfig,
      text.replace(api.server, `https://127.0.0.1:${relay.port}`).replace("apiserver.crt", authority),
    );
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-check", PROGRAM, client, kubeconfig],
      stdin: "null",
    }).output();
    if (code !== 0) throw new Error(`${client}: ${new TextDecoder().decode(stderr)}`);
    const numbers: ClientNumbers = JSON.parse(new TextDecoder().decode(stdout));
    return { ...numbers, connections: relay.connections };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Passes connections on to a port of this machine, and counts them. */
class CountingRelay implements AsyncDisposable {
  connections = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #done: Promise<void>;

  constructor(toPort: number) {
    this.#done = this.#accept(toPort);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #accept(port: number): Promise<void> {
    const pipes: Promise<void>[] = [];
    for await (const client of this.#listener) {
      this.connections++;
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      for (const [from, to] of [[client, server], [server, client]] as const) {
        // An end by force is as good as another.
        pipes.push(from.readable.pipeTo(to.writable).catch(() => undefined));
      }
    }
    await Promise.all(pipes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#done;
  }
}

if (import.meta.main) report(await benchKubeClient());
