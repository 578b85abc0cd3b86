import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { NOW_MS, seedProject, testOnCtrlDatabases } from "./testing.ts";
import { swapLiveDeployment } from "./mod.ts";

const test = testOnCtrlDatabases();

/** A writer that moves the pointer must have seen where it was, or a rollback is undone by a slower deploy. */
test("swapLiveDeployment() moves the pointer only from where it was expected", async (db) => {
  const { productionId } = await seedProject(db);
  const swap = (expected: string | undefined, next: string) =>
    transact(db, (tx) =>
      swapLiveDeployment(tx, {
        environmentId: productionId,
        expected,
        next,
        rolledBack: false,
        nowMs: NOW_MS,
      }));
  const [a, b, c] = [newId("deployment", 1), newId("deployment", 1), newId("deployment", 1)];
  assert.equal(await swap(a, b), false);
  assert.equal(await swap(undefined, a), true);
  const raced = await Promise.all([swap(a, b), swap(a, c)]);
  assert.equal(raced.filter(Boolean).length, 1);
});
