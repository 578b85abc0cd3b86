import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { findDeployment } from "../../internal/store/mod.ts";
import { refused, startApi } from "../testing.ts";

const CONTEXT = new TextEncoder().encode("a tar.gz, as far as the store cares");
const CHECKSUM = createHash("sha256").update(CONTEXT).digest("base64");

Deno.test("a build context is usable by the project that uploaded it, once all its bytes are stored", async () => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const client = api.client(DeploymentService, own.rootKey);
  const upload = {
    unkeyProjectId: own.projectId,
    sizeBytes: BigInt(CONTEXT.length),
    checksumSha256: CHECKSUM,
  };
  const first = await client.createS3UploadURL(upload);
  assert.match(first.buildContextPath, new RegExp(`^${own.projectId}/build_[A-Za-z0-9]+\\.tar\\.gz$`));
  const create = (projectId = own.projectId, key = own.rootKey) =>
    api.client(DeploymentService, key).createDeployment({
      projectId,
      environmentSlug: "preview",
      source: { case: "buildContext", value: { buildContextPath: first.buildContextPath } },
    });
  await refused(create(), Code.FailedPrecondition, /was not uploaded/);
  await put(first, CONTEXT.slice(1), 403);
  await put(first, CONTEXT.map((byte) => byte ^ 1), 400);
  await put(first, CONTEXT, 200);
  await refused(create(other.projectId, other.rootKey), Code.FailedPrecondition, /no build context/);
  const { deploymentId } = await create();
  const row = await findDeployment(api.db.kysely, deploymentId);
  assert.deepEqual([row?.source, row?.build_context_path, row?.dockerfile_path], [
    "context",
    first.buildContextPath,
    "Dockerfile",
  ]);

  const again = await client.createS3UploadURL(upload);
  assert.deepEqual([again.alreadyStored, again.buildContextPath], [true, first.buildContextPath]);
  const foreign = await api.client(DeploymentService, other.rootKey)
    .createS3UploadURL({ ...upload, unkeyProjectId: other.projectId });
  assert.equal(foreign.alreadyStored, false, "another project has to upload its own bytes");
  await api.db.kysely.updateTable("uploads").set({ expires_at: 1 }).execute();
  await refused(create(), Code.FailedPrecondition, /expired/);
});

Deno.test("uploads are refused at the workspace's limits of count and size, until stored ones expire", async () => {
  await using api = await startApi({ uploadsCountMax: 3, uploadsSizeMax: 2 });
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const request = ({ projectId, rootKey }: typeof own, sizeBytes: number) =>
    api.client(DeploymentService, rootKey)
      .createS3UploadURL({ unkeyProjectId: projectId, sizeBytes: BigInt(sizeBytes) });
  await request(own, 1_000_000);
  await request(own, 1_000_000);
  await refused(request(own, 1_000_000), Code.ResourceExhausted, /2 build contexts of 1\.9 MiB.*3 of 2 MiB/);
  // An unknown size counts as the largest.
  await refused(request(own, 0), Code.ResourceExhausted, /deleted a day after/);
  await request(own, 10);
  await refused(request(own, 10), Code.ResourceExhausted, /3 build contexts/);
  await request(other, 1_000_000);
  await api.db.kysely.updateTable("uploads").set({ expires_at: 1 }).execute();
  await request(own, 1_000_000);
});

async function put(
  { uploadUrl, headers }: { uploadUrl: string; headers: Record<string, string> },
  body: Uint8Array<ArrayBuffer>,
  want: number,
): Promise<void> {
  const { "content-length": _, ...rest } = headers;
  const response = await fetch(uploadUrl, { method: "PUT", headers: rest, body });
  assert.equal(response.status, want, await response.text());
}

Deno.test("createS3UploadURL() refuses contexts over the limit with what to do", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const client = api.client(DeploymentService, tenant.rootKey);
  const ask = (sizeBytes: bigint, checksumSha256 = "") =>
    client.createS3UploadURL({ unkeyProjectId: tenant.projectId, sizeBytes, checksumSha256 });
  await refused(ask(2n * 1024n * 1024n), Code.OutOfRange, /has 2 MiB.*at most 1 MiB.*\.dockerignore/);
  await refused(ask(-1n), Code.InvalidArgument, /size_bytes/);
  await refused(ask(1n, "nonsense"), Code.InvalidArgument, /checksum_sha256/);
});
