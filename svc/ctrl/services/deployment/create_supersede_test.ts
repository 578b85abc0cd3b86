import assert from "node:assert/strict";
import {
  DeploymentService,
  DeploymentStatus,
  type WatchDeploymentEventsResponse,
} from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { move, startApi, type Tenant, type TestApi } from "../testing.ts";

const CONTEXT = new TextEncoder().encode("a tar.gz, as far as the store cares");

/** Returns a function that creates a build of one upload on a branch. */
async function builder(api: TestApi, own: Tenant): Promise<(branch: string) => Promise<string>> {
  const client = api.client(DeploymentService, own.rootKey);
  const { uploadUrl, buildContextPath, headers } = await client.createS3UploadURL({
    unkeyProjectId: own.projectId,
    sizeBytes: BigInt(CONTEXT.length),
  });
  const put = await fetch(uploadUrl, { method: "PUT", body: CONTEXT, headers: { ...headers } });
  assert.equal(put.status, 200, await put.text());
  return async (branch) => {
    const { deploymentId } = await client.createDeployment({
      projectId: own.projectId,
      environmentSlug: "preview",
      branch,
      source: { case: "buildContext", value: { buildContextPath } },
    });
    return deploymentId;
  };
}

Deno.test("a newer build supersedes waiting ones of its branch, wakes their workflows, and ends watches with the reason", async () => {
  await using api = await startApi();
  const own = await api.tenant("acme");
  const client = api.client(DeploymentService, own.rootKey);
  const build = await builder(api, own);
  const [older, other] = [await build("main"), await build("feature")];
  await move(api, older, "queued");
  const seen: WatchDeploymentEventsResponse["event"][] = [];
  const watching = (async () => {
    for await (const { event } of client.watchDeploymentEvents({ deploymentId: older })) seen.push(event);
  })();
  const newer = await build("main");
  await watching;
  const last = seen.filter((event) => event.case === "deploymentEvent").at(-1)?.value;
  assert.ok(last?.payload.case === "status");
  assert.equal(last.payload.value.status, DeploymentStatus.SUPERSEDED);
  const text = `A newer deployment of the same environment and branch took its place: ${newer}.`;
  assert.equal(last.payload.value.errorMessage, text);
  assert.deepEqual(api.workflows.calls, [
    `submit ${older}`,
    `submit ${other}`,
    `cancel ${older}`,
    `submit ${newer}`,
  ]);
  const { deployment } = await client.getDeployment({ deploymentId: older });
  assert.deepEqual([deployment?.status, deployment?.errorMessage], [DeploymentStatus.SUPERSEDED, text]);
});

/** The row is the truth: the superseded workflow sees it at its next look. */
Deno.test("a newer build is created although the superseded workflow cannot be woken", async () => {
  await using api = await startApi();
  const own = await api.tenant("acme");
  const build = await builder(api, own);
  const older = await build("main");
  api.workflows.fail = true;
  const newer = await build("main");
  const client = api.client(DeploymentService, own.rootKey);
  const statuses = await Promise.all([older, newer].map(async (deploymentId) => {
    return (await client.getDeployment({ deploymentId })).deployment?.status;
  }));
  assert.deepEqual(statuses, [DeploymentStatus.SUPERSEDED, DeploymentStatus.PENDING]);
});
