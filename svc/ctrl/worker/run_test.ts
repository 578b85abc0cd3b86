import assert from "node:assert/strict";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { loadConfig } from "../../../pkg/config/mod.ts";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import { freePort } from "../../../pkg/testkit/ports.ts";
import { WORKER_FIELDS, WORKER_RULES, type WorkerConfig } from "./config/config.ts";
import { runWorker } from "./run.ts";

/** A Restate whose registrations wait for the test. */
class Admin {
  readonly url: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #waiting: ((status: number) => void)[] = [];
  readonly #arrivals: (() => void)[] = [];

  constructor() {
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => undefined },
      async (request) => {
        await request.body?.cancel();
        if (request.method === "GET") return Response.json({ deployments: [] });
        const status = await new Promise<number>((resolve) => {
          this.#waiting.push(resolve);
          this.#arrivals.shift()?.();
        });
        return Response.json(status === 201 ? { id: "dp_1" } : { message: "no" }, { status });
      },
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Resolves when a registration waits for its answer. */
  async registration(): Promise<void> {
    if (this.#waiting.length === 0) await new Promise<void>((resolve) => this.#arrivals.push(resolve));
  }

  answer(status: number): void {
    this.#waiting.shift()?.(status);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#waiting.splice(0).forEach((answer) => answer(500));
    await this.#server.shutdown();
  }
}

function configOf(adminUrl: string, folder: string): { config: WorkerConfig; health: string } {
  const port = freePort();
  const env: Readonly<Record<string, string>> = {
    UNKEY_DATABASE_PRIMARY: "sqlite::memory:",
    UNKEY_BUILD_FILES_DIR: folder,
    UNKEY_BUILD_FILES_URL: "http://127.0.0.1:1",
    UNKEY_BUILD_FILES_SIGNING_KEY: "f0e1d2c3b4a5968778695a4b3c2d1e0f",
    UNKEY_BUILD_NETWORK: "trusted",
    UNKEY_BUILD_SOURCES: "any",
    UNKEY_BUILD_CACHE_MIB: "0",
    DOCKER_HOST: `unix://${folder}/no_engine.sock`,
    UNKEY_RESTATE_ADMIN_URL: adminUrl,
    UNKEY_RESTATE_INGRESS_URL: adminUrl,
    UNKEY_RESTATE_HTTP_PORT: String(freePort()),
    UNKEY_WORKER_HTTP_PORT: String(port),
  };
  const readFile = (): never => assert.fail("no file is read");
  const source = { flags: new Map<string, string>(), env: (name: string) => env[name], readFile };
  return {
    config: loadConfig(WORKER_FIELDS, source, WORKER_RULES),
    health: `http://127.0.0.1:${port}/health/ready`,
  };
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}

/** A balancer or an operator that asks must not take a worker for ready that gets no work. */
Deno.test("runWorker() is ready only once Restate has taken its registration", async () => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-worker-" });
  const stop = new AbortController();
  await using admin = new Admin();
  try {
    const { config, health } = configOf(admin.url, folder);
    const ready = Promise.withResolvers<void>();
    const runs = runWorker(config, {
      log: silentLogger(),
      clock: systemClock(),
      signal: stop.signal,
      onReady: () => ready.resolve(),
    });
    runs.catch(ready.reject);
    await Promise.race([admin.registration(), runs]);
    assert.equal(await statusOf(health), 503, "while Restate has not answered");
    admin.answer(500);
    await admin.registration();
    assert.equal(await statusOf(health), 503, "after Restate has refused");
    admin.answer(201);
    await ready.promise;
    assert.equal(await statusOf(health), 200, "once it is registered");
    stop.abort();
    await runs;
    await assert.rejects(fetch(health));
  } finally {
    stop.abort();
    await Deno.remove(folder, { recursive: true });
  }
});
