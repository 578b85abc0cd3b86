/** Servers that no build may reach. */
const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret";
/** The first bytes of a connection by which a test finds out that all earlier ones were counted. */
const MARK = "settled";

/** A server that counts connections of whatever protocol. */
export class Victim implements Disposable {
  readonly address: string;
  readonly #listener: Deno.TcpListener;
  #seen = 0;
  #settle: () => void = () => undefined;

  /** Listens on a port that URLs of HTTP, image registries and git need not name. */
  constructor(address: string, port = 80) {
    this.address = address;
    this.#listener = Deno.listen({ hostname: address, port });
    void this.#accept();
  }

  /** Connections since the last call. */
  async seen(): Promise<number> {
    const settled = new Promise<void>((resolve) => this.#settle = resolve);
    const { hostname, port } = this.#listener.addr;
    const connection = await Deno.connect({ hostname, port });
    await connection.write(new TextEncoder().encode(MARK));
    await settled;
    connection.close();
    const seen = this.#seen;
    this.#seen = 0;
    return seen;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }

  async #accept(): Promise<void> {
    // One at a time, so that a mark comes after all that was there before.
    for await (const connection of this.#listener) await this.#answer(connection);
  }

  async #answer(connection: Deno.TcpConn): Promise<void> {
    try {
      const bytes = new Uint8Array(4_096);
      const length = await connection.read(bytes) ?? 0;
      if (new TextDecoder().decode(bytes.subarray(0, length)) === MARK) return this.#settle();
      this.#seen++;
      await connection.write(new TextEncoder().encode(ANSWER));
    } catch {
      // A client that has gone was seen all the same.
      this.#seen++;
    } finally {
      connection.close();
    }
  }
}
