import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { type CtrlDatabase, listPastDeployments, type PastPlace, placeDeployment } from "./mod.ts";
import { NOW_MS, type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";

const test = testOnCtrlDatabases();

/** Deployments that ended at these times, in order of their ids where times are equal. */
async function ended(db: CtrlDatabase, seed: Seed, times: readonly number[]): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const _ of times) ids.push((await seedDeployment(db, seed)).id);
  ids.sort();
  for (const [index, atMs] of times.entries()) {
    await db.kysely.updateTable("deployments").set({ status: "failed", updated_at: atMs })
      .where("id", "=", ids[index] ?? "").execute();
  }
  return ids;
}

async function looks(db: CtrlDatabase, limit: number): Promise<readonly (readonly string[])[]> {
  const found: (readonly string[])[] = [];
  let after: PastPlace | undefined;
  do {
    const look = await listPastDeployments(db.kysely, { beforeMs: NOW_MS, after, limit });
    found.push(look.ids);
    after = look.next;
  } while (after !== undefined);
  return found;
}

test("past deployments come a look at a time, once each, also where their times are equal", async (db) => {
  await db.kysely.updateTable("deployments").set({ output_removed_at: 1 }).execute();
  const seed = await seedProject(db);
  const [a, b, c, d, e] = await ended(db, seed, [10, 20, 20, 20, NOW_MS]);
  assert.deepEqual(await looks(db, 2), [[a, b], [c, d], []]);
  assert.deepEqual(await looks(db, 3), [[a, b, c], [d]]);
  assert.ok(e !== undefined);
});

test("a look passes those that run or serve, however many they are", async (db) => {
  await db.kysely.updateTable("deployments").set({ output_removed_at: 1 }).execute();
  const seed = await seedProject(db);
  const [running, live, active, past] = await ended(db, seed, [10, 20, 30, 40]);
  await transact(db, (tx) =>
    placeDeployment(tx, {
      deploymentId: running ?? "",
      workspaceId: seed.workspaceId,
      regions: [{ region: "near", replicas: 1 }],
      nowMs: NOW_MS,
    }));
  await db.kysely.updateTable("environments").set({ live_deployment_id: live ?? "" })
    .where("id", "=", seed.productionId).execute();
  await db.kysely.updateTable("deployments").set({ status: "building" }).where("id", "=", active ?? "")
    .execute();
  assert.deepEqual(await looks(db, 2), [[], [past], []]);
});
