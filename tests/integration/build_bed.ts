/** The build step over a real builder, with each context behind a signed URL. */
import assert from "node:assert/strict";
import { packTar } from "modern-tar";
import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { createFileObjectStore, type FileObjectStore } from "../../pkg/objectstore/mod.ts";
import { type CtrlDatabase, listEventsAfter, moveStatus } from "../../svc/ctrl/internal/store/mod.ts";
import { type Seed, seedDeployment, seedProject } from "../../svc/ctrl/internal/store/fixtures_test.ts";
import { type Builder, type BuildReport, createBuildSteps } from "../../svc/ctrl/worker/build/steps.ts";
import { memoryDatabase } from "../../svc/ctrl/worker/fixtures_test.ts";

const clock = systemClock();
const LIMIT_MS = 300_000;

/** How a build ended and what it told meanwhile. */
export interface Built {
  readonly id: string;
  readonly report: BuildReport;
  readonly lines: readonly string[];
}

/** Dispose of it, or its server and files stay. */
export class BuildBed implements AsyncDisposable {
  readonly #directory: string;
  readonly db: CtrlDatabase;
  readonly #store: FileObjectStore;
  readonly #server: Deno.HttpServer;

  private constructor(directory: string, db: CtrlDatabase, store: FileObjectStore, server: Deno.HttpServer) {
    this.#directory = directory;
    this.db = db;
    this.#store = store;
    this.#server = server;
  }

  static async start(): Promise<BuildBed> {
    const directory = await Deno.makeTempDir({ prefix: "unkey-build-" });
    const found: { store?: FileObjectStore } = {};
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => undefined },
      async (request) => await found.store?.handler(request) ?? new Response(null, { status: 404 }),
    );
    const store = createFileObjectStore({
      directory,
      baseUrl: `http://127.0.0.1:${server.addr.port}`,
      signingKey: new Secret("an-integration-test-signing-key-0123456789"),
      sizeMaxBytes: 1_000_000,
      clock,
    });
    found.store = store;
    return new BuildBed(directory, await memoryDatabase(), store, server);
  }

  /** Builds a context of these files for a deployment of its own. */
  async build(
    files: Readonly<Record<string, string>>,
    { builder, registryName, seed }: {
      readonly builder: Builder;
      readonly registryName: string;
      /** Whose deployment it is; a project of its own when nothing is said. */
      readonly seed?: Seed;
    },
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Built> {
    const { db } = this;
    const contextPath = await this.#upload(files);
    const { id, project_id, workspace_id } = await seedDeployment(db, seed ?? await seedProject(db), {
      source: "context",
      image: null,
    });
    await transact(db, (tx) => moveStatus(tx, { id, from: ["pending"], to: "building", nowMs: clock.now() }));
    const steps = createBuildSteps({
      db,
      clock,
      log: silentLogger(),
      objects: this.#store,
      builder,
      registryName,
    });
    const job = {
      deploymentId: id,
      workspaceId: workspace_id,
      projectId: project_id,
      contextPath,
      dockerfile: "Dockerfile",
    };
    const report = await steps.build(job, clock.now() + LIMIT_MS, signal);
    const lines = (await listEventsAfter(db.kysely, id, 0, 1_000)).flatMap(({ payload }) =>
      payload.kind === "log" ? payload.lines.map((line) => `${payload.origin}: ${line}`) : []
    );
    return { id, report, lines };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    await this.db.close();
    await Deno.remove(this.#directory, { recursive: true });
  }

  async #upload(files: Readonly<Record<string, string>>): Promise<string> {
    const key = `p/${crypto.randomUUID()}.tar`;
    const tar = await packTar(
      Object.entries(files).map(([name, body]) => ({
        header: { name, size: new TextEncoder().encode(body).length },
        body,
      })),
    );
    const { url, headers } = await this.#store.presignPut(key, {
      sizeBytes: tar.length,
      expiresInMs: 60_000,
    });
    const put = await fetch(url, { method: "PUT", headers, body: new Uint8Array(tar) });
    assert.ok(put.ok, await put.text());
    return key;
  }
}
