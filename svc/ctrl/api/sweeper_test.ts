import assert from "node:assert/strict";
import { Fault } from "../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import type { ObjectStore } from "../../../pkg/objectstore/mod.ts";
import type { DeploymentId } from "../../../pkg/uid/mod.ts";
import { DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { findDeployment } from "../internal/store/mod.ts";
import { clock, deployImage, eventually, move, startApi, type TestApi } from "./fixtures_test.ts";
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

Deno.test("a deployment that cannot be handed over keeps no other one waiting", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  api.workflows.fail = true;
  const [refused, other] = [await deployImage(api, tenant), await deployImage(api, tenant)];
  api.workflows.fail = false;
  const age = (id: string, createdAt: number) =>
    api.db.kysely.updateTable("deployments").set({ created_at: createdAt }).where("id", "=", id).execute();
  await age(refused, 1);
  await age(other, 2);
  const workflows = {
    ...api.workflows,
    submitDeploy: (id: DeploymentId, signal?: AbortSignal) =>
      id === refused
        ? Promise.reject(new Fault("internal", "restate refuses it"))
        : api.workflows.submitDeploy(id, signal ?? AbortSignal.timeout(1_000)),
  };
  const stop = new AbortController();
  const sweeps = sweepDeployments({ ...deps(api, NO_OBJECTS), workflows }, stop.signal);
  const submittedAt = async (id: string) => (await findDeployment(api.db.kysely, id))?.submitted_at;
  await eventually("the hand-over", async () => await submittedAt(other) !== null);
  stop.abort();
  await sweeps;
  assert.equal(await submittedAt(refused), null);
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
