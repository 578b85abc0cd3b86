/** Times after which deployments sleep, and pages of those that do, on every database. */
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { encodeAppSnapshot } from "../deployments/app/settings.ts";
import {
  type CtrlDatabase,
  followSleepTime,
  followSleepTimes,
  isAsleep,
  listSleeps,
  lockDeployment,
  pageAsleep,
  pageIdle,
  placeDeployment,
  putToSleep,
  wake,
} from "./mod.ts";
import { NOW_MS, type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";

const test = testOnCtrlDatabases();
const MARGIN_MS = 45_000;

/** Ready previews that were last used long ago. */
async function ready(db: CtrlDatabase, seed: Seed, own: readonly (number | undefined)[]): Promise<string[]> {
  const ids: string[] = [];
  for (const sleepSeconds of own) {
    const settings = sleepSeconds === undefined ? {} : { sleepSeconds };
    const { id } = await seedDeployment(db, seed, {
      environment_id: seed.previewId,
      app_settings: encodeAppSnapshot({ own: settings, environment: {} }),
    });
    await db.kysely.updateTable("deployments").set({ status: "ready", updated_at: NOW_MS }).where(
      "id",
      "=",
      id,
    )
      .execute();
    await transact(db, async (tx) => {
      const regions = [{ region: "eu", replicas: 1 }];
      await placeDeployment(tx, { deploymentId: id, workspaceId: seed.workspaceId, regions, nowMs: NOW_MS });
      const row = await lockDeployment(tx, id);
      assert.ok(row);
      await followSleepTime(tx, row);
    });
    ids.push(id);
  }
  return ids.toSorted();
}

async function setTime(db: CtrlDatabase, { previewId }: Seed, seconds: number | undefined): Promise<void> {
  const app_settings = seconds === undefined ? null : JSON.stringify({ sleepSeconds: seconds });
  await db.kysely.updateTable("environments").set({ app_settings }).where("id", "=", previewId).execute();
}

test("a time of an environment holds for its deployments without their own, and ends with it", async (db) => {
  const seed = await seedProject(db);
  const ids = await ready(db, seed, [undefined, 120, 0]);
  const times = async () =>
    (await listSleeps(db.kysely, ids)).map((row) => row.after_seconds).toSorted((a, b) => a - b);
  assert.deepEqual(await times(), [120]);
  await setTime(db, seed, 600);
  const change = { environmentId: seed.previewId, nowMs: NOW_MS };
  await transact(db, (tx) => followSleepTimes(tx, change));
  assert.deepEqual(await times(), [120, 600], "never stays never");
  await setTime(db, seed, undefined);
  await transact(db, (tx) => followSleepTimes(tx, change));
  assert.deepEqual(await times(), [120]);
});

test("pages of idle and of sleeping deployments go on where the one before ended", async (db) => {
  await db.kysely.deleteFrom("deployment_sleeps").execute();
  const seed = await seedProject(db);
  const ids = await ready(db, seed, [60, 60, 60]);
  const idle = async (after: string, limit: number) =>
    (await pageIdle(db.kysely, { after, limit, marginMs: MARGIN_MS })).map(({ deploymentId }) =>
      deploymentId
    );
  assert.deepEqual(await idle("", 2), ids.slice(0, 2));
  assert.deepEqual(await idle(ids[1] ?? "", 2), ids.slice(2));
  for (const deploymentId of ids) {
    await transact(db, (tx) => putToSleep(tx, { deploymentId, nowMs: NOW_MS, message: "No request." }));
  }
  assert.deepEqual(await idle("", 10), []);
  const [first = "", second = ""] = ids;
  await transact(db, (tx) => wake(tx, { deploymentId: second, nowMs: NOW_MS + 1, message: "Woken." }));
  const asleep = async (after: string, limit: number) =>
    (await pageAsleep(db.kysely, { after, limit })).map((
      row,
    ) => [row.deploymentId, row.wokenAt, row.running]);
  assert.deepEqual(await asleep("", 2), [[first, null, 0], [second, NOW_MS + 1, 0]]);
  assert.deepEqual(await asleep(second, 2), [[ids[2], null, 0]]);
});

Deno.test("only what is ready and was not woken is asleep", () => {
  const row = { asleep_at: NOW_MS, woken_at: null };
  assert.equal(isAsleep(row, "ready"), true);
  assert.equal(isAsleep(row, "deploying"), false, "a worker of the former release starts it");
  assert.equal(isAsleep({ ...row, woken_at: NOW_MS }, "ready"), false);
  assert.equal(isAsleep({ asleep_at: null, woken_at: null }, "ready"), false);
  assert.equal(isAsleep(undefined, "ready"), false);
});
