/** Both ends of a proxy as raw sockets, so that tests see and send exact bytes. */
import { Buffer } from "node:buffer";
import { type Clock, systemClock } from "../clock/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import {
  type FailureReport,
  LIMITS,
  Proxy,
  type ProxyLimits,
  type ProxyOptions,
  type TlsOptions,
  type Upstream,
} from "./mod.ts";

const DEADLINE_MS = 120_000;

/** The part of a connection that a wire needs. */
type WireConn = Pick<Deno.TcpConn, "read" | "write" | "close" | "closeWrite">;

/** A handshake with a server that has a certificate of `authority`, in PEM. */
export interface TlsWireOptions {
  readonly serverName: string;
  readonly authority: string;
  readonly protocol?: "h2" | "http/1.1";
  /** Bytes to send before the handshake. */
  readonly before?: Uint8Array;
}

/** One end of a TCP connection; text is one byte per character. Every wait has a deadline. */
export class Wire implements Disposable {
  readonly #conn: WireConn;
  #received = Buffer.alloc(0);
  #ended = false;
  #closed = false;

  constructor(conn: WireConn) {
    this.#conn = conn;
  }

  static async connect(port: number): Promise<Wire> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    return new Wire(conn);
  }

  /** Connects and shakes hands; fails when the server refuses. */
  static async connectTls(port: number, options: TlsWireOptions): Promise<Wire> {
    const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
    tcp.setNoDelay(true);
    if (options.before !== undefined) await tcp.write(options.before);
    const conn = await Deno.startTls(tcp, {
      hostname: options.serverName,
      caCerts: [options.authority],
      alpnProtocols: [options.protocol ?? "http/1.1"],
    });
    await conn.handshake();
    return new Wire(conn);
  }

  async send(data: string | Uint8Array): Promise<void> {
    let bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    while (bytes.length > 0) bytes = bytes.subarray(await this.#within("write", this.#conn.write(bytes)));
  }

  /** Reads until `marker` has come and returns everything up to its end. */
  async until(marker: string): Promise<string> {
    for (;;) {
      const at = this.#received.indexOf(marker, 0, "latin1");
      if (at !== -1) return this.#take(at + marker.length);
      if (!(await this.#more())) {
        throw new Error(`The connection ended before ${JSON.stringify(marker)}: ${this.#text()}`);
      }
    }
  }

  async exactly(count: number): Promise<string> {
    while (this.#received.length < count) {
      if (!(await this.#more())) throw new Error(`The connection ended after ${this.#received.length} bytes`);
    }
    return this.#take(count);
  }

  /** Reads until the other side ends its half; `reset` says whether it broke off instead. */
  async toEnd(): Promise<{ text: string; reset: boolean }> {
    try {
      while (await this.#more());
      return { text: this.#take(this.#received.length), reset: false };
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
      return { text: this.#take(this.#received.length), reset: true };
    }
  }

  /** As `toEnd`, but only counts what comes: for what is too large to keep. */
  async countToEnd(): Promise<{ bytes: number; reset: boolean }> {
    let bytes = 0;
    for (;;) {
      bytes += this.#take(this.#received.length).length;
      try {
        if (!(await this.#more())) return { bytes, reset: false };
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
        return { bytes, reset: true };
      }
    }
  }

  /** True if no bytes arrive within `ms`. */
  async receivesNothingFor(ms: number): Promise<boolean> {
    if (this.#received.length > 0) return false;
    const read = this.#more().then(() => undefined, () => undefined);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const elapsed = new Promise<true>((resolve) => timer = setTimeout(() => resolve(true), ms));
    const idle = await Promise.race([read, elapsed]);
    clearTimeout(timer);
    this.#inFlight = read;
    return idle ?? false;
  }

  #inFlight: Promise<void> | undefined;

  /** Ends this half of the connection. */
  async finish(): Promise<void> {
    await this.#conn.closeWrite();
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }

  close(): void {
    this[Symbol.dispose]();
  }

  async #more(): Promise<boolean> {
    const pending = this.#inFlight;
    if (pending !== undefined) {
      this.#inFlight = undefined;
      const before = this.#received.length;
      await this.#within("read", pending);
      if (this.#received.length > before || this.#ended) return !this.#ended;
    }
    if (this.#ended) return false;
    const chunk = Buffer.allocUnsafe(64 * 1024);
    const count = await this.#within("read", this.#conn.read(chunk));
    if (count === null) this.#ended = true;
    else this.#received = Buffer.concat([this.#received, chunk.subarray(0, count)]);
    return count !== null;
  }

  #take(count: number): string {
    const text = this.#received.toString("latin1", 0, count);
    this.#received = this.#received.subarray(count);
    return text;
  }

  #text(): string {
    return JSON.stringify(this.#received.toString("latin1", 0, 2_000));
  }

  async #within<T>(what: string, work: Promise<T>): Promise<T> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.close();
    }, DEADLINE_MS);
    try {
      return await work;
    } catch (error) {
      if (late) throw new Error(`No ${what} within ${DEADLINE_MS} ms; received so far: ${this.#text()}`);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A listener that hands out its connections one by one. */
export class App implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #wires: Wire[] = [];
  #closed = false;

  get port(): number {
    return this.#listener.addr.port;
  }

  get upstream(): Upstream {
    return { key: `app@${this.port}`, host: "127.0.0.1", port: this.port };
  }

  async accept(): Promise<Wire> {
    // Closing the listener ends the wait with an error.
    const timer = setTimeout(() => this[Symbol.dispose](), DEADLINE_MS);
    try {
      const conn = await this.#listener.accept();
      conn.setNoDelay(true);
      const wire = new Wire(conn);
      this.#wires.push(wire);
      return wire;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Accepts one connection, reads a request head and returns both. */
  async request(): Promise<{ wire: Wire; head: string }> {
    const wire = await this.accept();
    return { wire, head: await wire.until("\r\n\r\n") };
  }

  [Symbol.dispose](): void {
    if (!this.#closed) this.#listener.close();
    this.#closed = true;
    for (const each of this.#wires) each.close();
  }
}

/** A port of this machine where nothing listens. */
export function deadUpstream(): Upstream {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return { key: `dead@${port}`, host: "127.0.0.1", port };
}

/** A proxy that listens, and what it reported. */
export interface TestProxy extends AsyncDisposable {
  readonly port: number;
  /** The port of HTTPS; 0 without certificates. */
  readonly securePort: number;
  readonly proxy: Proxy;
  readonly failures: readonly FailureReport[];
  readonly statuses: readonly number[];
  /** Ends `Proxy.run`, as a process does that stops. */
  readonly halt: () => Promise<void>;
}

/** Starts a proxy; without a `route` every request goes to `upstream`. */
export async function startProxy(
  options: {
    readonly upstream?: Upstream;
    readonly route?: ProxyOptions["route"];
    readonly limits?: Partial<ProxyLimits>;
    readonly trusts?: ProxyOptions["trusts"];
    readonly clock?: Clock;
    readonly tls?: TlsOptions;
    readonly strictTransport?: string;
    readonly fromBalancer?: ProxyOptions["fromBalancer"];
  },
): Promise<TestProxy> {
  const { upstream } = options;
  const failures: FailureReport[] = [];
  const statuses: number[] = [];
  const stop = new AbortController();
  let ids = 0;
  const proxy = new Proxy({
    clock: options.clock ?? systemClock(),
    log: silentLogger(),
    limits: { ...LIMITS, ...options.limits },
    route: options.route ?? (() => {
      if (upstream !== undefined) return { kind: "forward", upstream };
      return { kind: "fail", failure: { kind: "no_instance", detail: "none" } };
    }),
    explain: (report) => ({
      status: report.status,
      headers: [["Content-Type", "text/plain"]],
      body: `${report.kind}: ${report.detail}`,
    }),
    newRequestId: () => `req_${++ids}`,
    trusts: options.trusts ?? (() => false),
    strictTransport: options.strictTransport,
    fromBalancer: options.fromBalancer,
    onDial: () => undefined,
    onFailure: (report) => void failures.push(report),
    onStatus: (status) => void statuses.push(status),
  });
  const port = await proxy.listen({ host: "127.0.0.1", port: 0, portSetting: "--http-port" });
  const { tls } = options;
  const securePort = tls === undefined
    ? 0
    : await proxy.listen({ host: "127.0.0.1", port: 0, portSetting: "--https-port", tls });
  const running = proxy.run(stop.signal);
  return {
    port,
    securePort,
    proxy,
    failures,
    statuses,
    halt: () => {
      stop.abort();
      return running;
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
      await proxy.close(0);
    },
  };
}

/** Reads a response head and splits it: status line, then the fields. */
export async function responseHead(wire: Wire): Promise<{ status: string; fields: string[] }> {
  const [status = "", ...fields] = (await wire.until("\r\n\r\n")).slice(0, -4).split("\r\n");
  return { status, fields };
}
