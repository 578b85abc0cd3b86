/** Random uploads, deployments, sweeps and jumps of the clock over the store of build contexts. */
import assert from "node:assert/strict";
import type { Secret } from "../../pkg/config/mod.ts";
import { digestKey, joinDigests, PackWriter } from "../../pkg/content/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { newDnsName, parseId } from "../../pkg/uid/mod.ts";
import { sweepContent } from "../../svc/ctrl/api/tasks/content_sweeper.ts";
import type { RootKeyPrincipal } from "../../svc/ctrl/internal/auth/principal.ts";
import {
  contextIdOfPath,
  type CtrlDatabase,
  moveStatus,
  openCtrlDatabase,
  touchContext,
} from "../../svc/ctrl/internal/store/mod.ts";
import { type Seed, seedDeployment, seedProject } from "../../svc/ctrl/internal/store/testing.ts";
import { commitContext } from "../../svc/ctrl/services/upload/commit_context.ts";
import { commitPacks } from "../../svc/ctrl/services/upload/commit_packs.ts";
import { createPacks } from "../../svc/ctrl/services/upload/create_packs.ts";
import type { UploadDeps } from "../../svc/ctrl/services/upload/deps.ts";
import { findMissingChunks } from "../../svc/ctrl/services/upload/find_missing_chunks.ts";
import { prepareContext } from "../../svc/ctrl/services/upload/prepare_context.ts";
import { chunksOf, type Tree, treeOf } from "../../svc/ctrl/services/upload/testing.ts";
import { openContentContext } from "../../svc/ctrl/worker/image_build/content_context.ts";
import { ContentWorld } from "./content_store_world.ts";

export interface ContentProperty {
  readonly databaseUrl: Secret;
  readonly seed: number;
  readonly steps: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DEPLOYMENTS_MAX = 4;
const { signal } = new AbortController();

/** A deployment that is under way, and the files that its build needs. */
interface Active {
  readonly id: string;
  readonly contextId: string;
  readonly files: Readonly<Record<string, string>>;
}

/** Runs the steps. @throws when an active deployment lacks a file, or when something is left at the end */
export async function runContentProperty({ databaseUrl, seed, steps }: ContentProperty): Promise<void> {
  const world = new ContentWorld(seed);
  const log = silentLogger();
  const db = await openCtrlDatabase(databaseUrl, { migrate: true, log });
  try {
    const project = await seedProject(db);
    const run = new Run(db, world, project);
    for (let step = 0; step < steps; step++) {
      await run.step();
      await run.checkActive();
    }
    await run.end();
  } finally {
    await db.close();
  }
}

class Run {
  readonly #db: CtrlDatabase;
  readonly #world: ContentWorld;
  readonly #project: Seed;
  readonly #deps: UploadDeps;
  readonly #caller: RootKeyPrincipal;
  #active: readonly Active[] = [];

  constructor(db: CtrlDatabase, world: ContentWorld, project: Seed) {
    this.#db = db;
    this.#world = world;
    this.#project = project;
    this.#deps = {
      db,
      clock: world.clock,
      log: silentLogger(),
      objects: world.objects,
      limits: { contentBytesMax: 1 << 20, entriesMax: 1_000, workspaceBytesMax: 1 << 30 },
    };
    this.#caller = {
      kind: "root_key",
      workspaceId: parseId("workspace", "workspace_id", project.workspaceId),
      keyId: "key_test",
      keyName: "",
      permissions: new Set(["*"]),
    };
  }

  async step(): Promise<void> {
    const kind = this.#world.below(10);
    if (kind < 3) return await this.#deploy();
    if (kind < 5) return void await Promise.all([this.#deploy(false), this.#deploy(false), this.#sweep()]);
    if (kind < 7) return await this.#endDeployment();
    this.#world.pass(this.#world.pick([HOUR_MS, 5 * HOUR_MS, DAY_MS, 3 * DAY_MS, 8 * DAY_MS]));
    await this.#sweep();
  }

  /** Reads each context that a build may begin with now. */
  async checkActive(): Promise<void> {
    for (const { contextId, files } of this.#active) await this.#checkContext(contextId, files);
  }

  async end(): Promise<void> {
    while (this.#active.length > 0) await this.#endDeployment();
    this.#world.pass(10 * DAY_MS);
    // A sweep takes a bounded number of rows, and some of its deletes fail.
    for (let sweeps = 0; sweeps < 100; sweeps++) await this.#sweep();
    const { kysely } = this.#db;
    for (const table of ["contexts", "context_packs", "packs", "chunks"] as const) {
      assert.deepEqual(await kysely.selectFrom(table).selectAll().execute(), [], table);
    }
    assert.deepEqual(this.#world.keys(), []);
  }

  /** `pauses`: the client may take days between two calls. Not beside others, whose calls would take as long. */
  async #deploy(pauses = true): Promise<void> {
    const files = this.#world.files();
    const path = await this.#upload(treeOf(files), pauses);
    if (path === undefined) return;
    const contextId = contextIdOfPath(path) ?? "";
    await this.#checkContext(contextId, files);
    if (this.#active.length >= DEPLOYMENTS_MAX) return;
    assert.ok(await transact(this.#db, (tx) => touchContext(tx, contextId, this.#world.clock.now())));
    const { id } = await seedDeployment(this.#db, this.#project, {
      source: "context",
      image: null,
      build_context_path: path,
      // A branch of its own: a newer deployment of a branch supersedes those that wait.
      git_branch: newDnsName(12),
    });
    this.#active = [...this.#active, { id, contextId, files }];
  }

  /** `undefined`: the client was interrupted, or so slow that its chunks have expired. */
  async #upload(tree: Tree, pauses: boolean): Promise<string | undefined> {
    const [deps, caller, { projectId }] = [this.#deps, this.#caller, this.#project];
    const request = { projectId, root: { $typeName: "ctrl.v1.ContextRoot", ...tree.root } } as const;
    const { path } = await prepareContext(deps, caller, request);
    if (path !== undefined) return path;
    const chunks = chunksOf(tree);
    const missing = await findMissingChunks(deps, caller, { projectId, digests: joinDigests(chunks) });
    const slow = pauses && await this.#pause();
    const parts = this.#world.split(missing.flatMap((index) => chunks[index] ?? []));
    for (const part of parts) {
      if (this.#world.below(20) === 0) return undefined;
      const writer = new PackWriter();
      for (const chunk of part) {
        writer.add(chunk, tree.plain.get(digestKey(chunk.digest)) ?? new Uint8Array(0));
      }
      const pack = writer.end();
      if (pack === undefined) continue;
      const { bytes, checksumSha256 } = pack;
      const packs = [{ sizeBytes: bytes.length, checksumSha256 }];
      const [upload] = await createPacks(deps, caller, { projectId, packs });
      assert.ok(upload !== undefined);
      if (this.#world.below(20) === 0) return undefined;
      this.#world.put(upload.url, bytes);
      if (this.#world.below(20) === 0) return undefined;
      const packed = pack.chunks.map((chunk) => ({ $typeName: "ctrl.v1.PackedChunk", ...chunk }) as const);
      await commitPacks(deps, caller, {
        projectId,
        packs: [{ $typeName: "ctrl.v1.UploadedPack", packId: upload.packId, chunks: packed }],
      });
    }
    const slower = pauses && await this.#pause();
    try {
      return await commitContext(deps, caller, request);
    } catch (error) {
      if ((slow || slower) && isFault(error, "failed_precondition")) return undefined;
      throw error;
    }
  }

  /** Between two calls of a client; true when it took so long that chunks may have gone. */
  async #pause(): Promise<boolean> {
    if (this.#world.below(4) > 0) return false;
    const [short, long] = [this.#world.pick([HOUR_MS, 2 * DAY_MS]), this.#world.below(5) === 0];
    this.#world.pass(long ? 8 * DAY_MS : short);
    await this.#sweep();
    return long;
  }

  async #endDeployment(): Promise<void> {
    const ended = this.#world.pick(this.#active);
    if (ended === undefined) return;
    this.#active = this.#active.filter((each) => each !== ended);
    const move = { id: ended.id, from: ["pending"], to: "failed", nowMs: this.#world.clock.now() } as const;
    await transact(this.#db, (tx) => moveStatus(tx, move));
  }

  async #sweep(): Promise<void> {
    const stop = new AbortController();
    const swept = Promise.withResolvers<void>();
    const clock = {
      now: () => this.#world.clock.now(),
      sleep: () => (swept.resolve(), Promise.resolve(stop.abort())),
    };
    const deps = { db: this.#db, clock, log: silentLogger(), objects: this.#world.objects };
    await Promise.all([sweepContent(deps, stop.signal), swept.promise]);
  }

  async #checkContext(id: string, files: Readonly<Record<string, string>>): Promise<void> {
    const source = { db: this.#db, objects: this.#world.objects };
    const context = await openContentContext(source, this.#project.projectId, id, signal);
    if ("kind" in context) throw new Error(`${id}: ${context.message}`);
    const found: Record<string, string> = {};
    for (const entry of context.entries) {
      const parts: Uint8Array<ArrayBuffer>[] = [];
      for await (const part of context.read(entry, signal)) parts.push(new Uint8Array(part));
      found[entry.path] = await new Blob(parts).text();
    }
    assert.deepEqual(found, files);
  }
}
