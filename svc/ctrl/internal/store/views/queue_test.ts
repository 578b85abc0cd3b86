import assert from "node:assert/strict";
import { sql } from "kysely";
import { transact } from "../../../../../pkg/db/mod.ts";
import { newDnsName } from "../../../../../pkg/uid/mod.ts";
import { listQueuePlaces } from "./queue.ts";
import { seedDeployment, seedProject, testOnCtrlDatabases } from "../testing.ts";
import {
  type BuildSlotsTable,
  listDeploymentViews,
  listDeploymentViewsByIds,
  saveBuildSlots,
} from "../mod.ts";

const test = testOnCtrlDatabases();

test("a queued deployment shows its place, and who is in its way", async (db) => {
  const [seed, elsewhere] = [await seedProject(db), await seedProject(db)];
  const add = async (
    owner: typeof seed,
    row: Partial<BuildSlotsTable>,
    status = "queued",
  ): Promise<string> => {
    const { id, workspace_id } = await seedDeployment(db, owner, { image: null, git_branch: newDnsName(9) });
    await sql`update deployments set status = ${status} where id = ${id}`.execute(db.kysely);
    const slot = { deployment_id: id, workspace_id, state: "waiting", enqueued_at: 7, turn_at: 10 } as const;
    const rest = { lease_until: null, ticket: 1, reported_ahead: null };
    await transact(db, (tx) => saveBuildSlots(tx, [{ ...slot, ...rest, ...row }]));
    return id;
  };
  const holder = await add(seed, { state: "holding", lease_until: 99 }, "building");
  const late = await add(seed, { turn_at: 30 });
  const next = await add(seed, { turn_at: 20 });
  // Neither counts: one is over, the other waits elsewhere.
  await add(seed, { turn_at: 1 }, "superseded");
  await add(elsewhere, { turn_at: 2 });
  const running = [{ id: holder, project: "shop", environment: "production" }];
  const shown = await listDeploymentViewsByIds(db.kysely, [holder, late, next]);
  assert.deepEqual([holder, late, next].map((id) => shown.get(id)?.queue), [
    undefined,
    { ahead: 1, running, queuedAt: 7 },
    { ahead: 0, running, queuedAt: 7 },
  ]);
  const filter = { projectIds: undefined, environmentSlug: undefined, before: undefined, limit: 10 };
  const listed = await listDeploymentViews(db.kysely, { workspaceId: seed.workspaceId, ...filter });
  assert.deepEqual(listed.find(({ id }) => id === late)?.queue?.ahead, 1);
  assert.equal((await listQueuePlaces(db.kysely, [])).size, 0);
});
