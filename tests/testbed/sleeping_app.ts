/** A preview that sleeps, and requests that wake it. */
import { Agent, request } from "node:http";
import { Secret } from "../../pkg/config/mod.ts";
import { openDatabase } from "../../pkg/db/mod.ts";
import type { Schema } from "../../svc/ctrl/internal/store/mod.ts";
import { serves } from "./apps.ts";
import { answers, Testbed, type TestbedOptions, writeApp } from "./testbed.ts";
import { eventually } from "./wait.ts";

/** Requests that were sent at once. */
export interface Burst {
  readonly served: number;
  /** The first few reasons. */
  readonly failed: readonly string[];
  readonly firstMs: number;
  readonly lastMs: number;
}

const ASK_MS = 60_000;
const FAILURES_SHOWN_MAX = 20;
const LONG_AGO_MS = 3_600_000;
/** Longer than a worker's look, and what the agent needs to stop an app. */
const ASLEEP_MS_MAX = 60_000;

/** A deployment of the environment `preview` that sleeps after a minute. */
export class SleepingApp implements AsyncDisposable {
  private constructor(readonly bed: Testbed, readonly id: string, readonly url: string) {}

  static async start(options: TestbedOptions = {}): Promise<SleepingApp> {
    const bed = await Testbed.start(options);
    try {
      const { slug } = await bed.project("shop");
      const where = ["--project", slug, "--env", "preview", "--json"];
      const folder = await writeApp(bed, serves("here"));
      const deployed = await bed.unkey(["deploy", folder, "--sleep-after", "1m", ...where]);
      if (deployed.code !== 0) throw new Error(`deploy: ${deployed.stdout}\n${deployed.stderr}`);
      const { id, urls: [url = ""] }: { id: string; urls: readonly string[] } = JSON.parse(deployed.stdout);
      await answers(bed, url, "here");
      return new SleepingApp(bed, id, url);
    } catch (error) {
      await bed[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bed[Symbol.asyncDispose]();
  }

  /** Moves its last use into the past, and waits until it sleeps and none of its containers is left. */
  async fallAsleep(): Promise<void> {
    await eventually("the preview to sleep", async () => {
      await this.#age();
      const { stdout } = await this.bed.unkey(["status", this.id, "--json"]);
      const { asleep }: { asleep?: { waking: boolean } } = JSON.parse(stdout);
      return asleep?.waking === false;
    }, { deadlineMs: ASLEEP_MS_MAX, everyMs: 500 });
    await eventually("its containers to end", async () => (await this.bed.containers()).length === 0, {
      deadlineMs: ASLEEP_MS_MAX,
    });
  }

  /** Sends so many requests at once, each over a connection of its own. */
  async burst(count: number): Promise<Burst> {
    const agent = new Agent({ keepAlive: false, maxSockets: Infinity });
    const startedMs = performance.now();
    const ends = await Promise.all(Array.from({ length: count }, () => this.#ask(agent)));
    agent.destroy();
    const times = ends.map(({ atMs }) => atMs - startedMs);
    const failed = ends.flatMap(({ failure }) => failure === undefined ? [] : [failure]);
    return {
      served: count - failed.length,
      failed: failed.slice(0, FAILURES_SHOWN_MAX),
      firstMs: Math.min(...times),
      lastMs: Math.max(...times),
    };
  }

  async #age(): Promise<void> {
    const db = await openDatabase<Pick<Schema, "deployments" | "deployment_requests">>(
      new Secret(this.bed.databaseUrl),
    );
    try {
      await db.kysely.updateTable("deployments")
        .set((eb) => ({ updated_at: eb("updated_at", "-", LONG_AGO_MS) })).where("id", "=", this.id)
        .execute();
      await db.kysely.updateTable("deployment_requests")
        .set((eb) => ({ last_request_at: eb("last_request_at", "-", LONG_AGO_MS) }))
        .where("deployment_id", "=", this.id).execute();
    } finally {
      await db.close();
    }
  }

  #ask(agent: Agent): Promise<{ readonly atMs: number; readonly failure: string | undefined }> {
    const { host, pathname } = new URL(this.url);
    return new Promise((resolve) => {
      const end = (failure: string | undefined): void => resolve({ atMs: performance.now(), failure });
      const options = { port: this.bed.ports.edge, path: pathname, headers: { host }, agent };
      const asked = request(
        { ...options, host: "127.0.0.1", signal: AbortSignal.timeout(ASK_MS) },
        (response) => {
          let body = "";
          response.on("data", (chunk) => body += String(chunk));
          response.on("error", (error) => end(`body: ${error.message}`));
          response.on("end", () => {
            const isServed = response.statusCode === 200 && body.includes("here");
            end(isServed ? undefined : `${response.statusCode} ${body.slice(0, 300)}`);
          });
        },
      );
      asked.on("error", (error) => end(error.message));
      asked.end();
    });
  }
}
