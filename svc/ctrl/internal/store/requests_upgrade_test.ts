import assert from "node:assert/strict";
import { firstRequests } from "./migrations/0016_first_requests.ts";
import { listUnusedDeployments, recordRequests } from "./mod.ts";
import { seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";

const test = testOnCtrlDatabases();
const DAY_MS = 86_400_000;
const WEEK_SECONDS = 604_800;

/** Edges reported no requests then: without this, an upgrade would end each older preview, used or not. */
test("a preview that ran before requests were noted has its time from the upgrade on", async (db) => {
  const seed = await seedProject(db);
  const preview = async (): Promise<string> =>
    (await seedDeployment(db, seed, { environment_id: seed.previewId })).id;
  const [older, unused, ended] = [await preview(), await preview(), await preview()];
  const deployments = db.kysely.updateTable("deployments");
  await deployments.set({ status: "ready", updated_at: Date.now() - 9 * DAY_MS })
    .where("id", "in", [older, unused]).execute();
  await deployments.set({ status: "stopped" }).where("id", "=", ended).execute();
  await recordRequests(db.kysely, [unused]);
  const last_request_at = Date.now() - 8 * DAY_MS;
  await db.kysely.updateTable("deployment_requests").set({ last_request_at })
    .where("deployment_id", "=", unused).execute();

  const listed = async (): Promise<boolean[]> => {
    const options = { operatorSeconds: WEEK_SECONDS, marginMs: 0, limit: 1_000 };
    const ids = (await listUnusedDeployments(db.kysely, options)).map(({ id }) => id);
    return [older, unused].map((id) => ids.includes(id));
  };
  assert.deepEqual(await listed(), [true, true]);
  for (let runs = 0; runs < 2; runs++) await firstRequests.up(db.kysely);
  assert.deepEqual(await listed(), [false, true]);
  const noted = await db.kysely.selectFrom("deployment_requests").select("deployment_id")
    .where("deployment_id", "in", [older, unused, ended]).execute();
  assert.deepEqual(noted.map(({ deployment_id }) => deployment_id).sort(), [older, unused].sort());
});
