/** Requests in many lanes that go on while a test moves traffic: every answer is seen, none may fail. */
import { Agent, request } from "node:http";

/** Where and how to ask. */
export interface LanesOptions {
  readonly port: number;
  /** Host and path are its own; the connection goes to the edge. */
  readonly url: string;
  readonly lanes: number;
  /** Finds the app's version in a body. */
  readonly version: RegExp;
  /** Between two requests of a lane; none by default. */
  readonly pauseMs?: number;
  readonly onFailure?: (text: string) => void;
}

export interface LanesReport {
  readonly asked: number;
  readonly failed: readonly string[];
}

const ASK_MS = 60_000;
const FAILURES_SHOWN_MAX = 20;

/** Lanes of requests over kept connections. */
export class Lanes {
  asked = 0;
  readonly failed: string[] = [];
  readonly #options: LanesOptions;
  readonly #agent: Agent;
  /** When each version answered last. */
  readonly #lastMs = new Map<string, number>();
  readonly #runs: Promise<void[]>;
  #stopped = false;

  constructor(options: LanesOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.lanes });
    this.#runs = Promise.all(Array.from({ length: options.lanes }, () => this.#lane()));
  }

  /** When the version answered last, by `performance.now()`; `undefined` when it never did. */
  lastOf(version: string): number | undefined {
    return this.#lastMs.get(version);
  }

  /** Lets the requests under way end. */
  async stop(): Promise<LanesReport> {
    this.#stopped = true;
    await this.#runs;
    this.#agent.destroy();
    return { asked: this.asked, failed: this.failed };
  }

  async #lane(): Promise<void> {
    while (!this.#stopped) {
      this.asked++;
      try {
        const { status, body } = await this.#ask();
        const version = this.#options.version.exec(body)?.[0];
        if (status !== 200 || version === undefined) this.#fail(`${status} ${body.slice(0, 200)}`);
        else this.#lastMs.set(version, performance.now());
      } catch (error) {
        this.#fail(String(error));
      }
      const { pauseMs = 0 } = this.#options;
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  #fail(text: string): void {
    if (this.failed.length < FAILURES_SHOWN_MAX) this.failed.push(text);
    this.#options.onFailure?.(text);
  }

  #ask(): Promise<{ status: number; body: string }> {
    const { host, pathname } = new URL(this.#options.url);
    const { port } = this.#options;
    return new Promise((resolve, reject) => {
      const req = request({
        host: "127.0.0.1",
        port,
        path: pathname,
        headers: { host },
        agent: this.#agent,
        signal: AbortSignal.timeout(ASK_MS),
      }, (res) => {
        res.setEncoding("utf8");
        let body = "";
        res.on("data", (chunk: string) => body += chunk);
        res.on("error", reject);
        res.on("end", () => resolve({ status: res.statusCode ?? 0, body }));
      });
      req.on("error", reject);
      req.end();
    });
  }
}
