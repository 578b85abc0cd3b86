import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import type { ManifestState } from "../../../../pkg/registry/mod.ts";
import {
  type CtrlDatabase,
  findDeployment,
  listEventsAfter,
  moveStatus,
  releaseImage,
  setImage,
} from "../../internal/store/mod.ts";
import { NOW_MS, type Seed, seedProject } from "../../internal/store/testing.ts";
import { memoryDatabase, worldClock } from "../testing.ts";
import { type GivenBuild, memoryVault, seedBuild } from "../testing_builds.ts";
import { type ReuseDeps, reuseImage } from "./reuse_image.ts";
import type { Reused } from "./types.ts";

const AGE_MS_MAX = 3_600_000;
const vault = memoryVault();

interface Bed {
  readonly db: CtrlDatabase;
  readonly seed: Seed;
  /** The images that were looked for. */
  readonly looked: string[];
  /** Asks for a new deployment's image. */
  ask(given?: GivenBuild, deps?: Partial<ReuseDeps>, seed?: Seed): Promise<{ id: string; reused: Reused }>;
  /** A deployment that was built at a time, after it had asked. */
  build(given?: GivenBuild, builtAtMs?: number): Promise<{ id: string; image: string }>;
}

async function onBed(test: (bed: Bed) => Promise<void>): Promise<void> {
  const db = await memoryDatabase();
  try {
    const seed = await seedProject(db);
    const looked: string[] = [];
    const presence = (image: string): Promise<ManifestState> => {
      looked.push(image);
      return Promise.resolve("present");
    };
    const bed: Bed = {
      db,
      seed,
      looked,
      async ask(given = {}, deps = {}, own = seed) {
        const { id } = await seedBuild(db, own, given, vault);
        const clock = worldClock({ nowMs: NOW_MS });
        const all = {
          db,
          clock,
          log: silentLogger(),
          vault,
          platform: undefined,
          presence,
          ageMsMax: AGE_MS_MAX,
        };
        return { id, reused: await reuseImage({ ...all, ...deps }, id, new AbortController().signal) };
      },
      async build(given = {}, builtAtMs = NOW_MS - 1) {
        const { id } = await bed.ask(given, { ageMsMax: 0 });
        const image = `unkey.local/ws/p:${id}`;
        await setImage(db.kysely, { id, image, buildId: `${id}.1`, nowMs: builtAtMs });
        return { id, image };
      },
    };
    await test(bed);
  } finally {
    await db.close();
  }
}

const NONE: Reused = { kind: "none" };
const REUSED: Reused = { kind: "reused" };

Deno.test("reuseImage() takes the image of the same content, says whose it is, and does so once", () =>
  onBed(async ({ db, ask, build, looked }) => {
    const built = await build();
    const { id, reused } = await ask();
    assert.deepEqual(reused, REUSED);
    const row = await findDeployment(db.kysely, id);
    assert.deepEqual([row?.image, row?.image_source_deployment_id, row?.build_id, row?.image_built_at], [
      built.image,
      built.id,
      null,
      null,
    ]);
    const notices = async () =>
      (await listEventsAfter(db.kysely, id, 0, 10)).flatMap(({ payload }) =>
        payload.kind === "notice" ? [payload.message] : []
      );
    const text = `The image of deployment ${built.id} is used again: same content (use --no-cache to build).`;
    assert.deepEqual(await notices(), [text]);

    const deps = {
      db,
      clock: worldClock({ nowMs: NOW_MS }),
      log: silentLogger(),
      vault,
      platform: undefined,
    };
    const absent = () => Promise.resolve<ManifestState>("missing");
    const again = { ...deps, presence: absent, ageMsMax: AGE_MS_MAX };
    assert.deepEqual(await reuseImage(again, id, new AbortController().signal), REUSED, "a repetition");
    assert.deepEqual([await notices(), looked], [[text], [built.image]]);
  }));

/** The image that a third deployment takes is the first one's: its age is that of its build. */
Deno.test("reuseImage() names the deployment that built, also behind others that used its image again", () =>
  onBed(async ({ db, ask, build }) => {
    const built = await build();
    await ask();
    const { id } = await ask();
    assert.equal((await findDeployment(db.kysely, id))?.image_source_deployment_id, built.id);
  }));

Deno.test("reuseImage() leads to a build", async (t) => {
  const cases: Readonly<Record<string, readonly [GivenBuild, Partial<ReuseDeps>]>> = {
    "for another content": [{ contentId: "other" }, {}],
    "for another Dockerfile": [{ dockerfile: "FROM other\n" }, {}],
    "for another argument": [{ settings: { arguments: { A: "2" } } }, {}],
    "without the cache": [{ settings: { noCache: true } }, {}],
    "with newer base images": [{ settings: { pull: true } }, {}],
    "for an archive": [{ row: { build_context_path: "p/u.tar.gz" } }, {}],
    "when the image is gone from where it was": [{}, { presence: () => Promise.resolve("missing") }],
    "when the place of the image is not known": [{}, { presence: () => Promise.resolve("unknown") }],
    "when the question for the image breaks": [
      {},
      { presence: () => Promise.reject(new Fault("internal", "broken")) },
    ],
    "when a secret cannot be opened": [
      { dockerfile: "FROM a\nRUN --mount=type=secret,id=T x\n", secrets: { T: "1" } },
      { vault: memoryVault(8) },
    ],
    "where nothing is used again": [{}, { ageMsMax: 0 }],
  };
  for (const [name, [given, deps]] of Object.entries(cases)) {
    await t.step(name, () =>
      onBed(async ({ db, ask, build }) => {
        await build();
        const { id, reused } = await ask(given, deps);
        assert.deepEqual(reused, NONE);
        const row = await findDeployment(db.kysely, id);
        assert.deepEqual([row?.image, row?.image_source_deployment_id, row?.status], [null, null, "pending"]);
      }));
  }
  await t.step(
    "for another project, also of the same workspace",
    () =>
      onBed(async ({ db, ask, build, looked }) => {
        await build();
        const { reused } = await ask({}, {}, await seedProject(db));
        assert.deepEqual([reused, looked], [NONE, []]);
      }),
  );
  await t.step("for an image that was built too long ago", () =>
    onBed(async ({ ask, build, looked }) => {
      await build({}, NOW_MS - AGE_MS_MAX);
      assert.deepEqual([(await ask()).reused, looked], [NONE, []]);
    }));
  await t.step("for a build that failed", () =>
    onBed(async ({ db, ask, looked }) => {
      const { id } = await ask();
      await transact(db, (tx) => moveStatus(tx, { id, from: ["pending"], to: "failed", nowMs: NOW_MS }));
      assert.deepEqual([(await ask()).reused, looked], [NONE, []]);
    }));
  await t.step(
    "for an image that the retention has released",
    () =>
      onBed(async ({ db, ask, build, looked }) => {
        const { id, image } = await build();
        await transact(db, (tx) => moveStatus(tx, { id, from: ["pending"], to: "failed", nowMs: NOW_MS }));
        const released = await transact(
          db,
          (tx) => releaseImage(tx, { image, notice: "gone", nowMs: NOW_MS }),
        );
        assert.deepEqual([released, (await ask()).reused, looked], [[id], NONE, []]);
      }),
  );
});

/** The retention may come between the look and the choice. */
Deno.test("reuseImage() takes no image that is released while it is looked for, and keeps one that it took", () =>
  onBed(async ({ db, ask, build }) => {
    const { id, image } = await build();
    await transact(db, (tx) => moveStatus(tx, { id, from: ["pending"], to: "failed", nowMs: NOW_MS }));
    const release = () => transact(db, (tx) => releaseImage(tx, { image, notice: "gone", nowMs: NOW_MS }));
    const { reused } = await ask({}, {
      presence: async () => {
        await release();
        return "present";
      },
    });
    assert.deepEqual(reused, NONE);

    const next = await build();
    await transact(
      db,
      (tx) => moveStatus(tx, { id: next.id, from: ["pending"], to: "failed", nowMs: NOW_MS }),
    );
    assert.deepEqual((await ask()).reused, REUSED);
    const kept = await transact(
      db,
      (tx) => releaseImage(tx, { image: next.image, notice: "gone", nowMs: NOW_MS }),
    );
    assert.deepEqual(kept, []);
  }));

Deno.test("reuseImage() takes the newest image, which a build without the cache makes, too", () =>
  onBed(async ({ db, ask, build }) => {
    await build({}, NOW_MS - 3);
    const forced = await build({ settings: { noCache: true } }, NOW_MS - 1);
    await build({ contentId: "other" }, NOW_MS);
    const { id } = await ask();
    assert.equal((await findDeployment(db.kysely, id))?.image_source_deployment_id, forced.id);
  }));

Deno.test("reuseImage() changes nothing for a deployment that has ended, or is missing", () =>
  onBed(async ({ db, ask, build }) => {
    await build();
    const { id } = await ask({}, {
      presence: async () => {
        const open = await db.kysely.selectFrom("deployments").select("id").where("image", "is", null)
          .execute();
        for (const each of open) {
          await transact(
            db,
            (tx) => moveStatus(tx, { id: each.id, from: ["pending"], to: "superseded", nowMs: 1 }),
          );
        }
        return "present";
      },
    });
    const row = await findDeployment(db.kysely, id);
    assert.deepEqual([row?.status, row?.image], ["superseded", null]);
    const deps = {
      db,
      clock: worldClock({ nowMs: NOW_MS }),
      log: silentLogger(),
      vault,
      platform: undefined,
    };
    const all = { ...deps, presence: () => Promise.resolve<ManifestState>("present"), ageMsMax: AGE_MS_MAX };
    const { signal } = new AbortController();
    assert.deepEqual(await reuseImage(all, id, signal), { kind: "ended", status: "superseded" });
    assert.deepEqual(await reuseImage(all, "d_missing", signal), { kind: "ended", status: "missing" });
  }));
