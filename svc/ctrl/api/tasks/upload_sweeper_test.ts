import assert from "node:assert/strict";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { clock, eventually, move, startApi } from "../../services/testing.ts";
import { sweepUploads } from "./upload_sweeper.ts";

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
  const objects = { delete: (key: string) => Promise.resolve(void deleted.push(key)) };
  const keys = async () =>
    (await api.db.kysely.selectFrom("uploads").select("object_key").execute()).map((row) => row.object_key);
  const sweep = async (left: readonly string[]) => {
    const stop = new AbortController();
    const sweeps = sweepUploads({ db: api.db, clock, log: silentLogger(), objects }, stop.signal);
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
