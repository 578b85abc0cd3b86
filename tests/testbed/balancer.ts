import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./wait.ts";

/** A TCP load balancer: a new connection goes to the process that was put there last, and open ones stay. */
export class Balancer implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #target = 0;

  private constructor(port: number) {
    this.port = port;
    this.#server = createServer((client) => this.#pass(client));
  }

  static async listen(): Promise<Balancer> {
    const balancer = new Balancer(freePort());
    await new Promise<void>((resolve, reject) => {
      balancer.#server.once("error", reject);
      balancer.#server.listen(balancer.port, "127.0.0.1", resolve);
    });
    return balancer;
  }

  /** Sends new connections to another port of this machine. */
  lead(port: number): void {
    this.#target = port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(client: Socket): void {
    const upstream = connect({ host: "127.0.0.1", port: this.#target });
    for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
      this.#open.add(socket);
      socket.pipe(other);
      socket.on("error", () => other.destroy());
      socket.on("close", () => this.#open.delete(socket));
    }
  }
}
