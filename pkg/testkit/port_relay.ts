import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Passes connections to one address of this machine on to a port of its loopback. */
export class PortRelay implements AsyncDisposable {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #isCut = false;

  private constructor(target: number) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      if (this.#isCut) {
        client.destroy();
        return;
      }
      const upstream = connect({ host: "127.0.0.1", port: target, allowHalfOpen: true });
      for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
        this.#open.add(socket);
        socket.pipe(other);
        // When one side breaks off, the connection to the other is closed.
        socket.on("error", () => other.destroy());
        socket.on("close", () => this.#open.delete(socket));
      }
    });
  }

  /** On `port`, 0 for a free one, to the same port of the loopback or to `target`. */
  static async listen(
    { address, port, target = port }: {
      readonly address: string;
      readonly port: number;
      readonly target?: number;
    },
  ): Promise<PortRelay> {
    const relay = new PortRelay(target);
    await new Promise<void>((resolve, reject) => {
      relay.#server.once("error", reject);
      relay.#server.listen(port, address, resolve);
    });
    return relay;
  }

  get port(): number {
    const bound: AddressInfo | string | null = this.#server.address();
    if (bound === null || typeof bound === "string") throw new Error("the relay does not listen");
    return bound.port;
  }

  /** Ends all connections, and every new one at once, until it is mended. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#open) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  /** Ends all connections too. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
