import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import type { DeploymentId } from "../../../../pkg/uid/mod.ts";
import { findDeployment, moveStatus } from "../../internal/store/mod.ts";
import { seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { clock, deployImage, eventually, fakeWorkflows, startApi } from "../../services/testing.ts";
import { sweepSubmits } from "./submit_sweeper.ts";

/** A crash between the row and the hand-over would otherwise leave a deployment pending for ever. */
Deno.test("the sweeper submits deployments that a crash left behind, and none within the grace of its create", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  api.workflows.fail = true;
  const [left, fresh] = [await deployImage(api, tenant), await deployImage(api, tenant)];
  api.workflows.fail = false;
  await api.db.kysely.updateTable("deployments").set({ created_at: 1 }).where("id", "=", left).execute();
  const stop = new AbortController();
  const sweeps = sweepSubmits(
    { db: api.db, clock, log: silentLogger(), workflows: api.workflows },
    stop.signal,
  );
  const submittedAt = async (id: string) => (await findDeployment(api.db.kysely, id))?.submitted_at;
  await eventually("the hand-over", async () => await submittedAt(left) !== null);
  stop.abort();
  await sweeps;
  assert.deepEqual(api.workflows.calls, [`submit ${left}`]);
  assert.equal(await submittedAt(fresh), null);
});

/** Otherwise a full batch of refused deployments would block every later one for ever. */
testOnCtrlDatabases()(
  "deployments that the workflow engine refuses fail, and block no other one",
  async (db) => {
    const seed = await seedProject(db);
    const make = async (created_at: number) => (await seedDeployment(db, seed, { created_at })).id;
    const others: string[] = [];
    for (let n = 0; n < 50; n++) others.push(await make(1));
    const [begun, last] = [await make(1), await make(2)];
    // Its workflow runs: the process ended before it could note the hand-over.
    await transact(
      db,
      (tx) => moveStatus(tx, { id: begun, from: ["pending"], to: "building", nowMs: clock.now() }),
    );
    const workflows = {
      ...fakeWorkflows(),
      submitDeploy: (id: DeploymentId) =>
        id === last ? Promise.resolve() : Promise.reject(new Fault("internal", "restate refuses it")),
    };
    const row = async (id: string) => await findDeployment(db.kysely, id);
    const stop = new AbortController();
    const sweeps = sweepSubmits(
      { db, clock, log: silentLogger(), workflows },
      stop.signal,
    );
    try {
      await eventually("the hand-over", async () => (await row(last))?.submitted_at !== null);
    } finally {
      stop.abort();
      await sweeps;
    }
    for (const id of others) {
      const { status, failure_code: code, error_message: text } = await row(id) ?? {};
      assert.deepEqual([status, code], ["failed", "internal"]);
      assert.match(text ?? "", /workflow engine refused it.*Deploy it again/s);
    }
    assert.deepEqual([(await row(begun))?.status, (await row(last))?.status], ["building", "pending"]);
  },
);
