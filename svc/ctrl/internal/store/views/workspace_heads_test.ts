import assert from "node:assert/strict";
import { transact } from "../../../../../pkg/db/mod.ts";
import { bumpViewRevision } from "./revisions.ts";
import { type CtrlDatabase, listWorkspaceHeads, moveStatus, recordAudit } from "../mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "../testing.ts";

const test = testOnCtrlDatabases();
/** More than are looked at for being new. */
const NEWER = 100;

async function marks(db: CtrlDatabase, workspaceId: string): Promise<ReadonlyMap<string, string>> {
  const heads = await listWorkspaceHeads(db.kysely, workspaceId);
  return new Map(heads.map(({ object, id, mark }) => [`${object} ${id}`, mark]));
}

test("a mark changes with the status, instances and environment of a deployment, and with acts", async (db) => {
  const seed = await seedProject(db);
  const other = await seedProject(db);
  const { id } = await seedDeployment(db, seed);
  await seedDeployment(db, other);
  const { workspaceId, productionId } = seed;
  let before = await marks(db, workspaceId);
  const environments = [productionId, seed.previewId].sort().map((each) => `environment ${each}`);
  assert.deepEqual([...before.keys()], [`deployment ${id}`, ...environments]);
  const changedBy = async (act: () => Promise<unknown>): Promise<string[]> => {
    await act();
    const now = await marks(db, workspaceId);
    const changed = [...now].filter(([key, mark]) => before.get(key) !== mark).map(([key]) => key);
    before = now;
    return changed.map((key) => key.startsWith("audit_entry") ? "audit_entry" : key);
  };
  assert.deepEqual(await changedBy(() => Promise.resolve()), []);
  assert.deepEqual(
    await changedBy(() =>
      transact(db, (tx) => moveStatus(tx, { id, from: ["pending"], to: "deploying", nowMs: NOW_MS }))
    ),
    [`deployment ${id}`],
  );
  const bump = (): Promise<void> => transact(db, (tx) => bumpViewRevision(tx, [id]));
  assert.deepEqual(await changedBy(bump), [`deployment ${id}`]);
  const live = db.kysely.updateTable("environments").set({ live_deployment_id: id })
    .where("id", "=", productionId);
  assert.deepEqual(await changedBy(() => live.execute()), [`environment ${productionId}`]);
  const entry = {
    workspaceId,
    actor: { kind: "service" },
    action: "project.create",
    resource: { type: "project", id: seed.projectId },
    nowMs: NOW_MS,
  } as const;
  assert.deepEqual(await changedBy(() => transact(db, (tx) => recordAudit(tx, entry))), ["audit_entry"]);
});

test("a live deployment is looked at however many are newer", async (db) => {
  const seed = await seedProject(db);
  const { id } = await seedDeployment(db, seed, { created_at: NOW_MS - 1_000 });
  for (let n = 0; n < NEWER; n++) await seedDeployment(db, seed);
  const has = async (): Promise<boolean> => (await marks(db, seed.workspaceId)).has(`deployment ${id}`);
  assert.equal(await has(), false);
  await db.kysely.updateTable("environments").set({ live_deployment_id: id })
    .where("id", "=", seed.productionId).execute();
  assert.equal(await has(), true);
});
