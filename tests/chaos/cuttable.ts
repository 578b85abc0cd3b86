/** A way to a TCP port that a test can cut. */
export class CuttableWay {
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.Conn>();
  readonly #accepting: Promise<void>;
  /** Number of connections that were cut. */
  cuts = 0;
  #broken = false;

  constructor(toPort: number) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#accepting = this.#accept(toPort);
  }

  /** Closes what is open; until `mend`, what connects is closed at once. */
  cut(): void {
    this.#broken = true;
    for (const each of [...this.#open]) this.#drop(each);
  }

  mend(): void {
    this.#broken = false;
  }

  async close(): Promise<void> {
    this.#listener.close();
    for (const each of [...this.#open]) this.#drop(each);
    await this.#accepting;
  }

  async #accept(toPort: number): Promise<void> {
    const pipes: Promise<void>[] = [];
    try {
      for await (const from of this.#listener) {
        if (this.#broken) from.close();
        else pipes.push(this.#pipe(from, toPort));
      }
    } finally {
      await Promise.all(pipes);
    }
  }

  async #pipe(from: Deno.Conn, toPort: number): Promise<void> {
    this.#open.add(from);
    const to = await Deno.connect({ hostname: "127.0.0.1", port: toPort }).catch(() => undefined);
    if (to === undefined || !this.#open.has(from)) return this.#drop(from);
    this.#open.add(to);
    // Either end's end is the end of both.
    const forth = from.readable.pipeTo(to.writable).catch(() => undefined);
    const fro = to.readable.pipeTo(from.writable).catch(() => undefined);
    await Promise.all([forth, fro]);
    this.#open.delete(from);
    this.#open.delete(to);
  }

  #drop(conn: Deno.Conn): void {
    if (this.#open.delete(conn)) this.cuts++;
    try {
      conn.close();
    } catch {
      // Its other end has closed it already.
    }
  }
}
