import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { NOW_MS, type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import {
  type CtrlDatabase,
  findBuiltImage,
  findDeployment,
  releaseImage,
  setBuildKey,
  setImage,
  useImageAgain,
} from "./mod.ts";

const test = testOnCtrlDatabases();
const KEY = "0".repeat(64);

async function built(
  db: CtrlDatabase,
  seed: Seed,
  builtAtMs: number,
  key = KEY,
): Promise<{ id: string; image: string }> {
  const { id } = await seedDeployment(db, seed, { source: "context", image: null });
  const image = `unkey.local/ws/p:${id}`;
  await setBuildKey(db.kysely, id, key);
  await setImage(db.kysely, { id, image, buildId: `${id}.1`, nowMs: builtAtMs });
  await db.kysely.updateTable("deployments").set({ status: "stopped" }).where("id", "=", id).execute();
  return { id, image };
}

test("findBuiltImage() finds the newest image of the project and key that is kept and young enough", async (db) => {
  const [seed, other] = [await seedProject(db), await seedProject(db)];
  const find = (builtAfterMs = 0) =>
    findBuiltImage(db.kysely, { projectId: seed.projectId, buildKey: KEY, builtAfterMs });
  await built(db, other, 9_000);
  await built(db, seed, 9_000, "1".repeat(64));
  assert.equal(await find(), undefined);
  const old = await built(db, seed, 1_000);
  const young = await built(db, seed, 2_000);
  assert.deepEqual(await find(), { deploymentId: young.id, image: young.image });
  assert.deepEqual(await find(1_999), { deploymentId: young.id, image: young.image });
  assert.equal(await find(2_000), undefined);
  await transact(db, (tx) => releaseImage(tx, { image: young.image, notice: "gone", nowMs: NOW_MS }));
  assert.deepEqual(await find(), { deploymentId: old.id, image: old.image });
});

/** Otherwise each deploy of the content fails for a day, with an image that only its registry believes in. */
test("findBuiltImage() leaves out an image that could not be pulled, by whatever deployment", async (db) => {
  const seed = await seedProject(db);
  const find = () => findBuiltImage(db.kysely, { projectId: seed.projectId, buildKey: KEY, builtAfterMs: 0 });
  const old = await built(db, seed, 1_000);
  const young = await built(db, seed, 2_000);
  const { id } = await seedDeployment(db, seed, { source: "context", image: young.image });
  const fail = (code: "crash_loop" | "image_unavailable") =>
    db.kysely.updateTable("deployments").set({ status: "failed", failure_code: code }).where("id", "=", id)
      .execute();
  await fail("crash_loop");
  assert.equal((await find())?.deploymentId, young.id);
  await fail("image_unavailable");
  assert.equal((await find())?.deploymentId, old.id);
});

test("findBuiltImage() finds no image that its deployment did not build", async (db) => {
  const seed = await seedProject(db);
  const { id } = await seedDeployment(db, seed, { image: "nginx:1.29" });
  await setBuildKey(db.kysely, id, KEY);
  await setImage(db.kysely, { id, image: "nginx@sha256:1", nowMs: NOW_MS });
  assert.equal(
    await findBuiltImage(db.kysely, { projectId: seed.projectId, buildKey: KEY, builtAfterMs: 0 }),
    undefined,
  );
});

/** Without the lock an image could be removed under a deployment that has just chosen it. */
test("an image is either used again or released, in whatever order both come", async (db) => {
  const outcomes = new Set<string>();
  for (let round = 0; round < 20; round++) {
    const seed = await seedProject(db);
    const { id: deploymentId, image } = await built(db, seed, NOW_MS);
    const { id } = await seedDeployment(db, seed, { source: "context", image: null });
    const take = () =>
      transact(db, (tx) => useImageAgain(tx, { id, built: { deploymentId, image }, nowMs: NOW_MS }));
    const release = () => transact(db, (tx) => releaseImage(tx, { image, notice: "gone", nowMs: NOW_MS }));
    const both = round % 2 === 0 ? [take, release] as const : [release, take] as const;
    // One behind the other first, so that both ends are sure to happen.
    if (round < 2) { for (const each of both) await each(); }
    else await Promise.all(both.map((each) => each()));
    const row = await findDeployment(db.kysely, id);
    const source = await findDeployment(db.kysely, deploymentId);
    const isTaken = row?.image === image;
    assert.equal(source?.image_removed_at === null, isTaken, `round ${round}`);
    assert.equal(row?.image_source_deployment_id, isTaken ? deploymentId : null);
    outcomes.add(isTaken ? "taken" : "released");
  }
  assert.equal(outcomes.size, 2, "both happen");
});

test("useImageAgain() refuses an image that its deployment does not have any more", async (db) => {
  const seed = await seedProject(db);
  const { id: deploymentId, image } = await built(db, seed, NOW_MS);
  const { id } = await seedDeployment(db, seed, { source: "context", image: null });
  const take = (built: { deploymentId: string; image: string }) =>
    transact(db, (tx) => useImageAgain(tx, { id, built, nowMs: NOW_MS }));
  assert.equal(await take({ deploymentId, image: `${image}-other` }), false);
  assert.equal(await take({ deploymentId: "d_missing", image }), false);
  assert.equal((await findDeployment(db.kysely, id))?.image, null);
  assert.equal(await take({ deploymentId, image }), true);
});
