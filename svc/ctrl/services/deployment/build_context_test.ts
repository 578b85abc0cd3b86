import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { eachRefused, startApi, type Tenant, type TestApi } from "../testing.ts";
import { sendTree, treeOf, uploadClient } from "../upload/testing.ts";

const TREE = treeOf({ "a.txt": "a" });

function create(api: TestApi, { rootKey, projectId }: Tenant, buildContextPath: string) {
  return api.client(DeploymentService, rootKey).createDeployment({
    projectId,
    environmentSlug: "preview",
    source: { case: "buildContext", value: { buildContextPath } },
  });
}

/** An archive of `size` bytes as an older client uploads it; only a part of it when `sent` says so. */
async function uploadArchive(
  api: TestApi,
  { rootKey, projectId }: Tenant,
  size: number,
  sent = size,
): Promise<string> {
  const client = api.client(DeploymentService, rootKey);
  const { uploadUrl, buildContextPath } = await client.createS3UploadURL({ unkeyProjectId: projectId });
  const response = await fetch(uploadUrl, { method: "PUT", body: new Uint8Array(sent) });
  await response.body?.cancel();
  await api.db.kysely.updateTable("uploads").set({ size_bytes: size })
    .where("object_key", "=", buildContextPath).execute();
  return buildContextPath;
}

Deno.test("a deployment keeps its context by content from expiring", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const path = await sendTree(uploadClient(api, tenant), tenant.projectId, TREE);
  await api.db.kysely.updateTable("contexts").set({ last_used_at: 1 }).execute();
  await create(api, tenant, path);
  const row = await api.db.kysely.selectFrom("contexts").select("last_used_at").executeTakeFirst();
  assert.ok((row?.last_used_at ?? 0) > 1);
});

Deno.test("createDeployment() refuses a context that no build could use", async (t) => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const foreign = await sendTree(uploadClient(api, other), other.projectId, TREE);
  const foreignArchive = await uploadArchive(api, other, 10);
  const incomplete = await uploadArchive(api, own, 10, 5);
  const complete = await uploadArchive(api, own, 10);
  await create(api, own, complete);
  const expired = await uploadArchive(api, own, 10);
  await api.db.kysely.updateTable("uploads").set({ expires_at: 1 }).where("object_key", "=", expired)
    .execute();
  const refused: readonly (readonly [name: string, path: string, code: Code, text: RegExp])[] = [
    ["a context of another project", foreign, Code.FailedPrecondition, /no build context/],
    ["an archive of another project", foreignArchive, Code.FailedPrecondition, /no build context/],
    ["a context that is not there", "context/ctx_none", Code.FailedPrecondition, /upload it again/],
    ["a context without an id", "context/", Code.FailedPrecondition, /no build context/],
    ["an archive that is not there", "p/none.tar.gz", Code.FailedPrecondition, /no build context/],
    ["an archive that has expired", expired, Code.FailedPrecondition, /expired/],
    ["an archive that is incomplete", incomplete, Code.FailedPrecondition, /5 of 10 bytes/],
  ];
  await eachRefused(
    t,
    refused.map(([name, path, code, text]) => [name, () => create(api, own, path), code, text]),
  );
});
