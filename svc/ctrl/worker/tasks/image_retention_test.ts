import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { createLogger, silentLogger } from "../../../../pkg/logger/mod.ts";
import type { DeploymentStatus } from "../../internal/deployments/status.ts";
import { type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { type CtrlDatabase, findDeployment, releaseImage, releaseStart } from "../../internal/store/mod.ts";
import { memoryDatabase, recordingNotifier, REGION } from "../testing.ts";
import { type RetainedImages, retainImages, retainImagesOnce } from "./image_retention.ts";
import type { LocalImage, LocalImages } from "../builder/local_images.ts";
import { createStartSteps } from "../start/steps.ts";

const test = testOnCtrlDatabases();
const clock = systemClock();
const never = new AbortController().signal;

/** An engine's images, newest first, some of which containers use. */
class Shelf implements LocalImages {
  readonly images: LocalImage[] = [];
  readonly inUse = new Set<string>();
  /** Called before an image goes. */
  onRemove: (name: string) => void = () => undefined;

  list(): Promise<readonly LocalImage[]> {
    return Promise.resolve([...this.images]);
  }

  remove(name: string): Promise<boolean> {
    if (this.inUse.has(name)) return Promise.resolve(false);
    this.onRemove(name);
    this.images.splice(this.images.findIndex((each) => each.name === name), 1);
    return Promise.resolve(true);
  }

  get names(): readonly string[] {
    return this.images.map(({ name }) => name).sort();
  }
}

/** An environment, and the engine that its images are in. */
class Bed {
  readonly shelf = new Shelf();
  readonly db: CtrlDatabase;
  readonly seed: Seed;

  private constructor(db: CtrlDatabase, seed: Seed) {
    this.db = db;
    this.seed = seed;
  }

  static async make(db: CtrlDatabase): Promise<Bed> {
    return new Bed(db, await seedProject(db));
  }

  /** A deployment with an image of its own in the engine. */
  async built(
    status: DeploymentStatus = "stopped",
  ): Promise<{ readonly id: string; readonly image: string }> {
    const { id } = await seedDeployment(this.db, this.seed, { source: "context", image: null });
    const image = `unkey.local/ws/proj:${id}_${crypto.randomUUID()}`;
    await this.db.kysely.updateTable("deployments").set({ status, image }).where("id", "=", id).execute();
    this.shelf.images.unshift({ name: image, deploymentId: id });
    return { id, image };
  }

  look(kept: number, signal: AbortSignal = never): Promise<RetainedImages> {
    return retainImagesOnce({ db: this.db, clock, log: silentLogger(), images: this.shelf, kept }, signal);
  }

  async removed(id: string): Promise<boolean> {
    return ((await findDeployment(this.db.kysely, id))?.image_removed_at ?? null) !== null;
  }
}

test("old images go after their deployments were marked, and the newest stay", async (db) => {
  const bed = await Bed.make(db);
  const [d1, d2, d3, d4] = [
    await bed.built(),
    await bed.built(),
    await bed.built(),
    await bed.built("ready"),
  ];
  const removals: boolean[] = [];
  bed.shelf.onRemove = () => void removals.push(true);
  assert.deepEqual(await bed.look(1), { deployments: 2, removed: 2, again: false });
  assert.deepEqual(bed.shelf.names, [d3.image, d4.image].sort());
  const marks = await Promise.all([d1, d2, d3, d4].map(({ id }) => bed.removed(id)));
  assert.deepEqual([marks, removals], [[true, true, false, false], [true, true]]);
  assert.deepEqual(await bed.look(1), { deployments: 0, removed: 0, again: false });
});

test("what a crash left between mark and removal, or a container held, goes later", async (db) => {
  const bed = await Bed.make(db);
  const [d1, d2] = [await bed.built(), await bed.built()];
  await transact(db, (tx) => releaseImage(tx, { image: d1.image, notice: "gone", nowMs: clock.now() }));
  bed.shelf.inUse.add(d2.image);
  assert.deepEqual(await bed.look(0), { deployments: 1, removed: 1, again: false });
  assert.deepEqual(bed.shelf.names, [d2.image]);
  bed.shelf.inUse.clear();
  assert.deepEqual(await bed.look(0), { deployments: 0, removed: 1, again: false });
});

test("images of interrupted builds go once the build is over, those of other platforms never", async (db) => {
  const bed = await Bed.make(db);
  const [ready, building] = [await bed.built("ready"), await bed.built("building")];
  await db.kysely.updateTable("deployments").set({ image: null }).where("id", "=", building.id).execute();
  const foreign = { name: "unkey.local/ws/proj:d_unknown_x", deploymentId: "d_unknown" };
  const leftover = { name: `unkey.local/ws/proj:${ready.id}_first`, deploymentId: ready.id };
  bed.shelf.images.push(foreign, leftover);
  assert.deepEqual(await bed.look(0), { deployments: 0, removed: 1, again: false });
  assert.deepEqual(bed.shelf.names, [foreign.name, ready.image, building.image].sort());
  await db.kysely.updateTable("deployments").set({ status: "cancelled" }).where("id", "=", building.id)
    .execute();
  assert.equal((await bed.look(0)).removed, 1);
  assert.deepEqual(bed.shelf.names, [foreign.name, ready.image].sort());
});

test("one look is bounded, and the next one goes on", async (db) => {
  const bed = await Bed.make(db);
  for (let count = 0; count < 101; count++) await bed.built();
  assert.deepEqual(await bed.look(0), { deployments: 100, removed: 100, again: true });
  assert.deepEqual(await bed.look(0), { deployments: 1, removed: 1, again: false });
});

/** Either the start comes first and keeps the image, or the mark does and refuses the start. */
test("a start and a mark at the same moment never both happen", async (db) => {
  const bed = await Bed.make(db);
  const steps = createStartSteps({
    db,
    clock,
    changes: recordingNotifier(),
    edgeUrl: "http://localhost:7070",
    regions: [REGION],
    replicas: 1,
    agentTimeoutMs: 30_000,
  });
  const actor = { kind: "system", name: "test" } as const;
  const order = { environmentId: bed.seed.productionId, then: { kind: "nothing" }, actor } as const;
  for (let round = 0; round < 20; round++) {
    const { id, image } = await bed.built();
    const begin = () => steps.begin(`start_${id}`, { ...order, deploymentId: id });
    const mark = () => transact(db, (tx) => releaseImage(tx, { image, notice: "gone", nowMs: clock.now() }));
    const pair = round % 2 === 0
      ? await Promise.all([begin(), mark()])
      : (await Promise.all([mark(), begin()])).toReversed() as [
        Awaited<ReturnType<typeof begin>>,
        readonly string[],
      ];
    const [begun, marked] = pair;
    if (begun.kind === "begun") assert.deepEqual(marked, []);
    else {
      assert.ok(begun.kind === "refused", begun.kind);
      assert.match(begun.refusal.message, /image of deployment d_\w+ was removed/);
      assert.deepEqual(marked, [id]);
    }
    await releaseStart(db.kysely, id, `start_${id}`);
  }
});

Deno.test("retainImages() goes on after a failure, and ends with its signal", async () => {
  const stop = new AbortController();
  let looks = 0;
  const lines: string[] = [];
  const list = () => {
    looks++;
    return Promise.reject(new Error("the engine is away"));
  };
  const waiting = {
    now: clock.now,
    sleep: () => {
      if (looks === 3) stop.abort();
      return Promise.resolve();
    },
  };
  const log = createLogger({ service: "test", level: "warn", write: (line) => void lines.push(line) });
  const images = { list, remove: () => Promise.resolve(true) };
  const db = await memoryDatabase();
  try {
    await retainImages({ db, clock: waiting, log, images, kept: 1 }, stop.signal);
  } finally {
    await db.close();
  }
  assert.equal(looks, 3);
  assert.match(lines[0] ?? "", /images not retained.*the engine is away/);
});
