/** The build step over a real builder, with each context behind a signed URL. */
import { tmpdir } from "node:os";
import type { Builder } from "../../pkg/build/mod.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { type CtrlDatabase, listEventsAfter, moveStatus } from "../../svc/ctrl/internal/store/mod.ts";
import { type Seed, seedDeployment, seedProject } from "../../svc/ctrl/internal/store/testing.ts";
import { createBuildSteps } from "../../svc/ctrl/worker/image_build/steps.ts";
import type { BuildReport } from "../../svc/ctrl/worker/image_build/types.ts";
import { memoryDatabase } from "../../svc/ctrl/worker/testing.ts";
import { ContextStore } from "../testbed/context_store.ts";
import { NO_SPANS } from "../../svc/ctrl/internal/traces/testing.ts";

const clock = systemClock();
const LIMIT_MS = 300_000;

/** The end of a build and its output. */
export interface Built {
  readonly id: string;
  readonly report: BuildReport;
  readonly lines: readonly string[];
}

/** Dispose of it, or its server and files stay. */
export class BuildBed implements AsyncDisposable {
  readonly #directory: string;
  readonly db: CtrlDatabase;
  readonly #contexts: ContextStore;

  private constructor(directory: string, db: CtrlDatabase, contexts: ContextStore) {
    this.#directory = directory;
    this.db = db;
    this.#contexts = contexts;
  }

  static async start(): Promise<BuildBed> {
    const directory = await Deno.makeTempDir({ prefix: "unkey-build-" });
    return new BuildBed(directory, await memoryDatabase(), ContextStore.start(directory));
  }

  /** Builds a context of these files for a deployment of its own. */
  async build(
    files: Readonly<Record<string, string>>,
    { builder, registryName, seed }: {
      readonly builder: Builder;
      readonly registryName: string;
      /** The project of the deployment; a new one by default. */
      readonly seed?: Seed;
    },
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Built> {
    const { db } = this;
    const contextPath = await this.#contexts.uploadFiles(files);
    const { id, project_id, workspace_id } = await seedDeployment(db, seed ?? await seedProject(db), {
      source: "context",
      image: null,
    });
    await transact(db, (tx) => moveStatus(tx, { id, from: ["pending"], to: "building", nowMs: clock.now() }));
    const steps = createBuildSteps({
      spans: NO_SPANS,
      db,
      clock,
      log: silentLogger(),
      objects: this.#contexts.objects,
      builder,
      registryName,
      contexts: { temporaryDirectory: tmpdir(), bytesMax: 1_000_000_000, entriesMax: 100_000 },
      credentialsOf: () => Promise.resolve(() => Promise.resolve(undefined)),
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
    await this.#contexts[Symbol.asyncDispose]();
    await this.db.close();
    await Deno.remove(this.#directory, { recursive: true });
  }
}
