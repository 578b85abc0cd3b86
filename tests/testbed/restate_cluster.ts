import { systemClock } from "../../pkg/clock/mod.ts";
import { findRestateServer, requestIdentity } from "../../pkg/restate_server/mod.ts";
import { Balancer } from "./balancer.ts";
import { Part } from "./process.ts";
import { answersOk, freePort } from "./wait.ts";

const NODES = 3;

interface Node {
  readonly part: Part;
  readonly ingress: number;
  readonly admin: number;
}

/** Three Restate servers with replicated logs and metadata: each record is on two of them. A balancer is in front of each API. */
export class RestateCluster {
  readonly identityKey: string;
  readonly #nodes: readonly Node[];
  readonly #ways: { readonly ingress: Balancer; readonly admin: Balancer };

  private constructor(identityKey: string, nodes: readonly Node[], ways: RestateCluster["ways"]) {
    this.identityKey = identityKey;
    this.#nodes = nodes;
    this.#ways = ways;
  }

  static async make(directory: string): Promise<RestateCluster> {
    const { path } = await findRestateServer({
      env: (name) => Deno.env.get(name),
      clock: systemClock(),
      signal: AbortSignal.timeout(300_000),
    });
    const identityFile = `${directory}/request_identity.pem`;
    const identityKey = await requestIdentity(identityFile);
    const ports = Array.from({ length: NODES }, () => ({
      fabric: freePort(),
      ingress: freePort(),
      admin: freePort(),
    }));
    const addresses = ports.map(({ fabric }) => `http://127.0.0.1:${fabric}`);
    const nodes = ports.map(({ fabric, ingress, admin }, at): Node => ({
      ingress,
      admin,
      part: new Part({
        name: `restate node ${at + 1}`,
        command: path,
        args: ["--no-logo"],
        env: () => ({
          RESTATE_CLUSTER_NAME: "test",
          RESTATE_NODE_NAME: `node-${at + 1}`,
          RESTATE_AUTO_PROVISION: String(at === 0),
          RESTATE_DEFAULT_REPLICATION: "2",
          RESTATE_DEFAULT_NUM_PARTITIONS: "4",
          RESTATE_METADATA_CLIENT__ADDRESSES: JSON.stringify(addresses),
          RESTATE_BASE_DIR: `${directory}/restate-${at + 1}`,
          RESTATE_LISTEN_MODE: "tcp",
          RESTATE_BIND_IP: "127.0.0.1",
          RESTATE_BIND_PORT: String(fabric),
          RESTATE_ADVERTISED_ADDRESS: addresses[at] ?? "",
          RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
          RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
          RESTATE_DISABLE_TELEMETRY: "true",
          RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: "256MB",
          RESTATE_WORKER__INVOKER__REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE: identityFile,
        }),
        logFile: `${directory}/restate-${at + 1}.log`,
        ready: async () =>
          await answersOk(`http://127.0.0.1:${ingress}/restate/health`) &&
          await answersOk(`http://127.0.0.1:${admin}/health`),
      }),
    }));
    const ways = { ingress: await Balancer.listen(), admin: await Balancer.listen() };
    return new RestateCluster(identityKey, nodes, ways);
  }

  get ways(): { readonly ingress: Balancer; readonly admin: Balancer } {
    return this.#ways;
  }

  /** Starts all nodes; the first one makes the cluster, which the others join. */
  async start(): Promise<void> {
    this.#lead(0);
    await Promise.all(this.#nodes.map(({ part }) => part.start()));
  }

  /** Ends a node by SIGKILL; its clients reach the next one. */
  async killNode(at: number): Promise<void> {
    this.#lead((at + 1) % NODES);
    await this.#nodes[at]?.part.kill("SIGKILL");
  }

  async startNode(at: number): Promise<void> {
    await this.#nodes[at]?.part.start();
  }

  async kill(): Promise<void> {
    await Promise.all(this.#nodes.map(({ part }) => part.kill("SIGKILL")));
    for (const way of Object.values(this.#ways)) await way[Symbol.asyncDispose]();
  }

  #lead(at: number): void {
    const node = this.#nodes[at];
    if (node === undefined) return;
    this.#ways.ingress.lead(node.ingress);
    this.#ways.admin.lead(node.admin);
  }
}
