import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { newDeployment, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import { createDeployment, listDeploymentViews, type ListFilter } from "./mod.ts";

const test = testOnCtrlDatabases();

function ofWorkspace(workspaceId: string): ListFilter {
  return { workspaceId, projectIds: undefined, environmentSlug: undefined, before: undefined, limit: 100 };
}

test("50 parallel creates with one idempotency key make one deployment", async (db) => {
  const seed = await seedProject(db);
  const results = await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      transact(db, (tx) =>
        createDeployment(
          tx,
          newDeployment(seed, {
            idempotency_key: "once",
            // The key is the workspace's, whatever the environment.
            environment_id: n % 2 === 0 ? seed.productionId : seed.previewId,
          }),
        ))),
  );
  assert.equal(new Set(results.map(({ deployment }) => deployment.id)).size, 1);
  assert.equal(results.filter(({ created }) => created).length, 1);
  const views = await listDeploymentViews(db.kysely, ofWorkspace(seed.workspaceId));
  assert.equal(views.length, 1);
  const other = await seedProject(db);
  assert.notEqual((await seedDeployment(db, other, { idempotency_key: "once" })).id, views[0]?.id);
});

/** The newest wins by this number, so two deployments must never share one. */
test("parallel creates get distinct sequences per environment, without gaps", async (db) => {
  const seed = await seedProject(db);
  const made = await Promise.all(
    Array.from(
      { length: 20 },
      (_, n) => seedDeployment(db, seed, { environment_id: n < 15 ? seed.productionId : seed.previewId }),
    ),
  );
  const sequences = (environment: string) =>
    made.filter((each) => each.environment_id === environment).map((each) => each.sequence)
      .sort((a, b) => a - b);
  assert.deepEqual(sequences(seed.productionId), Array.from({ length: 15 }, (_, n) => n + 1));
  assert.deepEqual(sequences(seed.previewId), [1, 2, 3, 4, 5]);
});

test("a deployment cannot be created in another workspace's environment", async (db) => {
  const [mine, other] = [await seedProject(db), await seedProject(db)];
  await assert.rejects(
    seedDeployment(db, mine, { environment_id: other.productionId }),
    (error) => isFault(error, "not_found"),
  );
});
