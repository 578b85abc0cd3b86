import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { findDeployment } from "../../internal/store/mod.ts";
import { eachRefused, move, startApi, type Tenant, type TestApi } from "../testing.ts";

async function deployBranch(
  api: TestApi,
  tenant: Tenant,
  branch: string,
  environmentSlug = "preview",
): Promise<string> {
  const { deploymentId } = await api.client(DeploymentService, tenant.rootKey).createDeployment({
    projectId: tenant.projectId,
    branch,
    environmentSlug,
    source: { case: "dockerImage", value: "nginx:1.29" },
  });
  return deploymentId;
}

Deno.test("endBranch stops what runs of the branch and cancels what is under way, outside of production", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId } = tenant;
  const client = api.client(DeploymentService, tenant.rootKey);
  const gone = await deployBranch(api, tenant, "gone");
  const [other, live, underWay] = [
    await deployBranch(api, tenant, "other"),
    await deployBranch(api, tenant, "gone", "production"),
    await deployBranch(api, tenant, "gone"),
  ];
  for (const id of [gone, other, live]) await move(api, id, "ready");
  api.workflows.calls.length = 0;
  const ended = await client.endBranch({ projectId, branch: "gone" });
  assert.deepEqual([ended.stoppedDeploymentIds, ended.cancelledDeploymentIds], [[gone], [underWay]]);
  const { environment_id } = await findDeployment(api.db.kysely, gone) ?? {};
  assert.ok(api.workflows.calls.includes(`stopByUser ${environment_id} ${gone} branch_gone`));
  assert.ok(!api.workflows.calls.join(" ").includes(live));
  await move(api, gone, "stopped");
  await move(api, underWay, "cancelled");
  const again = await client.endBranch({ projectId, branch: "gone" });
  assert.deepEqual([again.stoppedDeploymentIds, again.cancelledDeploymentIds], [[], []]);
});

Deno.test("endBranch refuses a stranger, a key without the permission, and a branch without a name", async (t) => {
  await using api = await startApi();
  const { projectId, rootKey } = await api.tenant("acme");
  const client = api.client(DeploymentService, rootKey);
  const { key } = await api.client(AdminService, rootKey).createRootKey({
    permissions: [`project.${projectId}.read_deployment`],
  });
  const stranger = api.client(DeploymentService, (await api.tenant("other")).rootKey);
  await eachRefused(t, [
    ["no name", () => client.endBranch({ projectId }), Code.InvalidArgument, /branch is required/],
    ["a stranger", () => stranger.endBranch({ projectId, branch: "x" }), Code.NotFound, /project/i],
    [
      "a weak key",
      () => api.client(DeploymentService, key).endBranch({ projectId, branch: "x" }),
      Code.PermissionDenied,
      /stop_deployment/,
    ],
    [
      "an unknown environment",
      () => client.endBranch({ projectId, branch: "x", environmentSlug: "nowhere" }),
      Code.NotFound,
      /nowhere/,
    ],
  ]);
});
