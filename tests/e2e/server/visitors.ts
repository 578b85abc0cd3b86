import { Agent, request } from "node:https";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { ADDRESS } from "./world.ts";

const ANSWER_MS = 60_000;

export interface Visits {
  readonly count: number;
  readonly failures: readonly string[];
  readonly slowestMs: number;
}

/** Visitors who ask one after the other until they are stopped: half of them on connections that they keep. */
export class Visitors {
  readonly #host: string;
  readonly #authority: string;
  readonly #stop = new AbortController();
  readonly #failures: string[] = [];
  readonly #running: readonly Promise<void>[];
  #count = 0;
  #slowestMs = 0;

  constructor(host: string, authority: string, visitors: number) {
    this.#host = host;
    this.#authority = authority;
    this.#running = Array.from({ length: visitors }, (_, index) => this.#visit(index % 2 === 0));
  }

  get count(): number {
    return this.#count;
  }

  async stop(): Promise<Visits> {
    this.#stop.abort();
    await Promise.all(this.#running);
    return { count: this.#count, failures: this.#failures, slowestMs: Math.round(this.#slowestMs) };
  }

  async #visit(keepAlive: boolean): Promise<void> {
    const agent = new Agent({ keepAlive, maxSockets: 1, ca: this.#authority, servername: this.#host });
    while (!this.#stop.signal.aborted) {
      const startedMs = performance.now();
      try {
        const asked = request({
          host: ADDRESS,
          port: 443,
          servername: this.#host,
          headers: { host: this.#host },
          agent,
          signal: AbortSignal.timeout(ANSWER_MS),
        });
        asked.end();
        const [answer]: IncomingMessage[] = await once(asked, "response");
        for await (const _ of answer ?? []) void _;
        if (answer?.statusCode !== 200) this.#failures.push(`status ${answer?.statusCode}`);
      } catch (error) {
        this.#failures.push(`${keepAlive ? "kept" : "new"} connection: ${String(error)}`);
      }
      this.#count++;
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedMs);
    }
    agent.destroy();
  }
}
