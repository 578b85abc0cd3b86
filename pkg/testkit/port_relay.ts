import { connect, createServer, type Server, type Socket } from "node:net";

/** Passes connections to one address of this machine on to the same port of its loopback. */
export class PortRelay implements AsyncDisposable {
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(port: number) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      const upstream = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
      for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
        this.#open.add(socket);
        socket.pipe(other);
        // When one side breaks off, the connection to the other is closed.
        socket.on("error", () => other.destroy());
        socket.on("close", () => this.#open.delete(socket));
      }
    });
  }

  static async listen(
    { address, port }: { readonly address: string; readonly port: number },
  ): Promise<PortRelay> {
    const relay = new PortRelay(port);
    await new Promise<void>((resolve, reject) => {
      relay.#server.once("error", reject);
      relay.#server.listen(port, address, resolve);
    });
    return relay;
  }

  /** Ends all connections too. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
