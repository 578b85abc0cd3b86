import assert from "node:assert/strict";
import { listRequestedDeployments, recordRequests } from "./mod.ts";
import { seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";

const test = testOnCtrlDatabases();

test("listRequestedDeployments() has those of the environment since a time, the latest request first", async (db) => {
  const [seed, other] = [await seedProject(db), await seedProject(db)];
  const ids: string[] = [];
  for (let n = 0; n < 4; n++) ids.push((await seedDeployment(db, seed)).id);
  const foreign = (await seedDeployment(db, other)).id;
  await recordRequests(db.kysely, [...ids.slice(0, 3), foreign]);
  for (const [at, id] of ids.entries()) {
    await db.kysely.updateTable("deployment_requests").set({ last_request_at: 100 + at })
      .where("deployment_id", "=", id).execute();
  }
  const { workspaceId, productionId: environmentId } = seed;
  const list = (sinceMs: number, limit = 10) =>
    listRequestedDeployments(db.kysely, { workspaceId, environmentId, sinceMs, limit });
  assert.deepEqual(await list(0), [ids[2], ids[1], ids[0]]);
  assert.deepEqual(await list(101), [ids[2], ids[1]]);
  assert.deepEqual(await list(0, 1), [ids[2]]);
  const none = { workspaceId: other.workspaceId, environmentId, sinceMs: 0, limit: 10 };
  assert.deepEqual(await listRequestedDeployments(db.kysely, none), []);
});
