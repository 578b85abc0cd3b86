import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import type { DeploymentStatus } from "../deployments/status.ts";
import {
  newDeployment,
  NOW_MS,
  type Seed,
  seedDeployment,
  seedProject,
  testOnCtrlDatabases,
} from "./testing.ts";
import {
  claimStart,
  createDeployment,
  type CtrlDatabase,
  findDeployment,
  listAuditEntries,
  listEventsAfter,
  listImageUses,
  lockDeployment,
  releaseImage,
  swapLiveDeployment,
} from "./mod.ts";

const test = testOnCtrlDatabases();

let images = 0;

/** A name that no other test uses. */
function newImage(): string {
  return `unkey.local/ws/proj:d_${++images}_${crypto.randomUUID()}`;
}

async function deployed(
  db: CtrlDatabase,
  seed: Seed,
  image: string,
  status: DeploymentStatus = "stopped",
): Promise<string> {
  const { id } = await seedDeployment(db, seed, { image });
  await db.kysely.updateTable("deployments").set({ status }).where("id", "=", id).execute();
  return id;
}

function giveUp(db: CtrlDatabase, image: string): Promise<readonly string[]> {
  return transact(db, (tx) => releaseImage(tx, { image, notice: "It is gone.", nowMs: NOW_MS + 5 }));
}

test("releaseImage() marks all that name the image, once, with a notice and an entry in the audit log", async (db) => {
  const seed = await seedProject(db);
  const image = newImage();
  const [first, second] = [await deployed(db, seed, image), await deployed(db, seed, image, "failed")];
  const other = await deployed(db, seed, newImage());
  assert.deepEqual([...await giveUp(db, image)].sort(), [first, second].sort());
  assert.deepEqual(await giveUp(db, image), []);
  for (const id of [first, second]) {
    const row = await findDeployment(db.kysely, id);
    assert.deepEqual([row?.image_removed_at, row?.updated_at, row?.image], [NOW_MS + 5, NOW_MS + 5, image]);
    const notices = (await listEventsAfter(db.kysely, id, 0, 10)).filter(({ payload }) =>
      payload.kind === "notice"
    );
    assert.deepEqual(notices.map(({ payload }) => payload), [{ kind: "notice", message: "It is gone." }]);
  }
  assert.equal((await findDeployment(db.kysely, other))?.image_removed_at, null);
  const filter = {
    projectId: undefined,
    resourceId: undefined,
    action: undefined,
    before: undefined,
    limit: 10,
  };
  const entries = await listAuditEntries(db.kysely, { ...filter, workspaceId: seed.workspaceId });
  assert.deepEqual(
    entries.map((each) => `${each.actor_name} ${each.action} ${each.resource_id}`).sort(),
    [first, second].map((id) => `retention deployment.remove_image ${id}`).sort(),
  );
});

test("releaseImage() leaves an image alone that one of its deployments needs", async (db) => {
  const needing: readonly ((seed: Seed, id: string) => Promise<unknown>)[] = [
    ({ productionId: environmentId }, next) =>
      transact(
        db,
        (tx) =>
          swapLiveDeployment(tx, { environmentId, expected: undefined, next, rolledBack: false, nowMs: 1 }),
      ),
    (_seed, deploymentId) =>
      transact(db, (tx) => claimStart(tx, { deploymentId, startId: `start_${deploymentId}`, nowMs: NOW_MS })),
    (_seed, id) =>
      db.kysely.updateTable("deployments").set({ status: "ready" }).where("id", "=", id).execute(),
    (_seed, id) =>
      db.kysely.updateTable("deployments").set({ status: "deploying" }).where("id", "=", id).execute(),
    async ({ productionId: environmentId }, displaced) => {
      const live = await seedDeployment(db, await seedProject(db));
      await transact(db, async (tx) => {
        const move = { environmentId, rolledBack: false, nowMs: 1 };
        assert.ok(await swapLiveDeployment(tx, { ...move, expected: undefined, next: displaced }));
        assert.ok(await swapLiveDeployment(tx, { ...move, expected: displaced, next: live.id }));
      });
    },
  ];
  for (const need of needing) {
    const seed = await seedProject(db);
    const image = newImage();
    const [id] = [await deployed(db, seed, image), await deployed(db, seed, image)];
    await need(seed, id);
    assert.deepEqual(await giveUp(db, image), [], String(need));
  }
});

test("listImageUses() finds the deployments of many images, and says what is deleted", async (db) => {
  const seed = await seedProject(db);
  const names = Array.from({ length: 450 }, newImage);
  const [first = "", , last = ""] = [names[0], ...names.slice(-2)];
  const ids = [await deployed(db, seed, first), await deployed(db, seed, last)];
  await db.kysely.updateTable("environments").set({ deleted_at: 5 }).where("id", "=", seed.productionId)
    .execute();
  const uses = await listImageUses(db.kysely, names);
  assert.deepEqual(uses.map(({ id }) => id).sort(), ids.sort());
  assert.ok(
    uses.every((use) => use.environmentDeleted && !use.live && !use.previousLive && !use.startUnderWay),
  );
  assert.deepEqual(await listImageUses(db.kysely, []), []);
});

/** Otherwise the new deployment would name an image that is removed under it. */
test("a redeploy that is under way keeps the image, and one that comes later finds the mark", async (db) => {
  const seed = await seedProject(db);
  const image = newImage();
  const id = await deployed(db, seed, image);
  const [entered, committing] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const redeploy = transact(db, async (tx) => {
    const { deployment } = await createDeployment(tx, newDeployment(seed, { image, redeploy_of: id }));
    const row = await lockDeployment(tx, id);
    entered.resolve();
    await committing.promise;
    return { made: deployment.id, removedAt: row?.image_removed_at };
  });
  await entered.promise;
  const marking = giveUp(db, image);
  committing.resolve();
  const { made, removedAt } = await redeploy;
  assert.deepEqual([removedAt, await marking], [null, []]);
  await db.kysely.updateTable("deployments").set({ status: "stopped" }).where("id", "=", made).execute();
  assert.deepEqual([...await giveUp(db, image)].sort(), [id, made].sort());
  assert.equal((await transact(db, (tx) => lockDeployment(tx, id)))?.image_removed_at, NOW_MS + 5);
});
