import { createServer, type Server, type Socket } from "node:net";
import { publicFault } from "../fault/mod.ts";
import { ClientConnection } from "./client.ts";
import { type Core, reportFailure } from "./core.ts";
import { latin1 } from "./body.ts";
import { answerHead } from "./forward.ts";
import { Pool } from "./pool.ts";
import type { ProxyOptions } from "./types.ts";

const SWEEP_MS_MAX = 500;
const SWEEP_MS_MIN = 10;
const BACKLOG = 4_096;

/** Where to listen. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** The setting to name when the port is taken, e.g. `--http-port (UNKEY_HTTP_PORT)`. */
  readonly portSetting: string;
}

/** A reverse proxy for HTTP/1.1; see the package's description. */
export class Proxy {
  readonly #core: Core;
  readonly #connections = new Set<ClientConnection>();
  readonly #server: Server;

  constructor(options: ProxyOptions) {
    this.#core = { options, pool: new Pool(options), stopping: false };
    this.#server = createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true },
      (socket) => this.#accept(socket),
    );
  }

  /** The number of client connections. */
  get connections(): number {
    return this.#connections.size;
  }

  /** The number of requests that run on an upstream. */
  load(key: string): number {
    return this.#core.pool.load(key);
  }

  /** Keeps no connection to `key` any longer than its running requests; for listeners that leave. */
  retire(key: string): void {
    this.#core.pool.retire(key);
  }

  /**
   * Begins to accept connections.
   *
   * @returns the port
   * @throws `failed_precondition` when the port is taken or not allowed
   */
  async listen({ host, port, portSetting }: ListenOptions): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error: Error) => {
        const text = `Cannot listen on ${host}:${port}: ${reasonOf(error)}. ` +
          `Stop what uses it, or choose another port with ${portSetting}.`;
        reject(publicFault("failed_precondition", text, error));
      });
      this.#server.listen({ host, port, backlog: BACKLOG }, () => resolve());
    });
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : port;
  }

  /** Enforces the time limits until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, limits } = this.#core.options;
    const shortest = Math.min(limits.headMsMax, limits.dialMsMax, limits.bodyStallMsMax, limits.lingerMsMax);
    const everyMs = Math.max(SWEEP_MS_MIN, Math.min(SWEEP_MS_MAX, shortest / 4));
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal).catch(() => undefined);
      this.#sweep();
    }
  }

  #sweep(): void {
    const nowMs = this.#core.options.clock.now();
    this.#core.pool.sweep();
    for (const each of [...this.#connections]) each.sweep(nowMs);
  }

  /**
   * Accepts nothing more, lets running requests end and their responses be sent for `drainMs` milliseconds, then cuts
   * off the rest. Until then it enforces the time limits, whether `run` still does or not.
   */
  async close(drainMs: number): Promise<void> {
    const { clock } = this.#core.options;
    this.#core.stopping = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const untilMs = clock.now() + drainMs;
    for (;;) {
      for (const each of [...this.#connections]) each.retire();
      this.#sweep();
      if (this.#connections.size === 0 || clock.now() >= untilMs) break;
      await clock.sleep(SWEEP_MS_MIN);
    }
    for (const each of [...this.#connections]) each.destroy();
    this.#core.pool.close();
    await closed;
  }

  #accept(socket: Socket): void {
    const { limits, newRequestId, onStatus } = this.#core.options;
    if (this.#connections.size < limits.connectionsMax && !this.#core.stopping) {
      this.#connections.add(
        new ClientConnection(this.#core, socket, (gone) => this.#connections.delete(gone)),
      );
      return;
    }
    const id = newRequestId();
    const kind = this.#core.stopping ? "shutting_down" : "too_many_connections";
    const answer = reportFailure(this.#core, { kind, detail: "The edge takes no more connections." }, { id });
    onStatus(answer.status);
    socket.on("error", () => undefined);
    const body = new TextEncoder().encode(answer.body);
    socket.write(latin1(answerHead(answer, { requestId: id, length: body.length, close: true })));
    socket.write(body);
    socket.destroySoon();
  }
}

function reasonOf(error: Error): string {
  const code = "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") return "the port is in use";
  if (code === "EACCES") return "this user may not use the port";
  return error.message;
}
