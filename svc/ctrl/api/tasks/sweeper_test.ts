import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import type { ObjectStore } from "../../../../pkg/objectstore/mod.ts";
import type { DeploymentId } from "../../../../pkg/uid/mod.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { findDeployment, moveStatus } from "../../internal/store/mod.ts";
import { seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import {
  clock,
  deployImage,
  eventually,
  fakeWorkflows,
  move,
  startApi,
  type TestApi,
} from "../../services/testing.ts";
import { sweepAuditLog, sweepDeployments, sweepUploads } from "./sweeper.ts";

/** A crash between the row and the hand-over would otherwise leave a deployment pending for ever. */
Deno.test("the sweeper hands over what a crash left behind, and nothing that is being handed over", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  api.workflows.fail = true;
  const [left, fresh] = [await deployImage(api, tenant), await deployImage(api, tenant)];
  api.workflows.fail = false;
  await api.db.kysely.updateTable("deployments").set({ created_at: 1 }).where("id", "=", left).execute();
  const stop = new AbortController();
  const sweeps = sweepDeployments(deps(api, NO_OBJECTS), stop.signal);
  const submittedAt = async (id: string) => (await findDeployment(api.db.kysely, id))?.submitted_at;
  await eventually("the hand-over", async () => await submittedAt(left) !== null);
  stop.abort();
  await sweeps;
  assert.deepEqual(api.workflows.calls, [`submit ${left}`]);
  assert.equal(await submittedAt(fresh), null);
});

/** As many of them as one sweep takes would otherwise keep every later deployment from being handed over for ever. */
testOnCtrlDatabases()("deployments that are refused fail, and keep no other one waiting", async (db) => {
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
  const sweeps = sweepDeployments(
    { db, clock, log: silentLogger(), workflows, objects: NO_OBJECTS },
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
});

Deno.test("the sweeper removes expired build contexts, but none that an active deployment needs", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const client = api.client(DeploymentService, tenant.rootKey);
  const upload = async (): Promise<string> => {
    const { uploadUrl, buildContextPath } = await client.createS3UploadURL({
      unkeyProjectId: tenant.projectId,
    });
    await (await fetch(uploadUrl, { method: "PUT", body: "x" })).body?.cancel();
    return buildContextPath;
  };
  const [needed, unneeded, valid] = [await upload(), await upload(), await upload()];
  const { deploymentId } = await client.createDeployment({
    projectId: tenant.projectId,
    environmentSlug: "preview",
    source: { case: "buildContext", value: { buildContextPath: needed } },
  });
  await api.db.kysely.updateTable("uploads").set({ expires_at: 1 }).where("object_key", "!=", valid)
    .execute();
  const deleted: string[] = [];
  const objects = { ...NO_OBJECTS, delete: (key: string) => Promise.resolve(void deleted.push(key)) };
  const keys = async () =>
    (await api.db.kysely.selectFrom("uploads").select("object_key").execute()).map((row) => row.object_key);
  const sweep = async (left: readonly string[]) => {
    const stop = new AbortController();
    const sweeps = sweepUploads(deps(api, objects), stop.signal);
    await eventually("the removal", async () => (await keys()).length === left.length);
    stop.abort();
    await sweeps;
    assert.deepEqual((await keys()).toSorted(), left.toSorted());
  };
  await sweep([needed, valid]);
  await move(api, deploymentId, "failed");
  await sweep([valid]);
  assert.deepEqual(deleted, [unneeded, needed]);
});

Deno.test("the sweeper forgets acts of long ago, and no others", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const [old, recent] = [await deployImage(api, tenant), await deployImage(api, tenant)];
  const kept = async () =>
    (await api.db.kysely.selectFrom("audit_log").select("resource_id").execute()).map((row) =>
      row.resource_id
    );
  await api.db.kysely.updateTable("audit_log").set({ created_at: 1 }).where("resource_id", "=", old)
    .execute();
  const stop = new AbortController();
  const sweeps = sweepAuditLog(deps(api, NO_OBJECTS), stop.signal);
  await eventually("the removal", async () => !(await kept()).includes(old));
  stop.abort();
  await sweeps;
  assert.ok((await kept()).includes(recent));
});

const NO_OBJECTS: ObjectStore = {
  presignPut: () => Promise.reject(new Error("unused")),
  presignGet: () => Promise.reject(new Error("unused")),
  head: () => Promise.resolve(undefined),
  delete: () => Promise.resolve(),
};

function deps({ db, workflows }: TestApi, objects: ObjectStore) {
  return { db, clock, log: silentLogger(), workflows, objects };
}
