import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { eachRefused, startApi } from "../testing.ts";

Deno.test("setSize gives later deployments of the environment its size; a deployment's own comes before it", async () => {
  await using api = await startApi({ memoryMax: 2_048 });
  const { projectId, rootKey } = await api.tenant("acme");
  const environments = api.client(EnvironmentService, rootKey);
  const deployments = api.client(DeploymentService, rootKey);
  const environmentSlug = "production";
  const sizeOf = async (
    request: { size?: { memoryMib?: number; replicas?: number }; redeployOf?: string },
  ) => {
    const source = request.redeployOf === undefined
      ? { projectId, environmentSlug, source: { case: "dockerImage", value: "nginx:1" } as const }
      : {};
    const { deploymentId } = await deployments.createDeployment({ ...source, ...request });
    const row = await api.db.kysely.selectFrom("deployments").selectAll().where("id", "=", deploymentId)
      .executeTakeFirstOrThrow();
    return { id: deploymentId, size: [row.memory_mib, row.cpu_millicores, row.replicas] };
  };

  const first = await sizeOf({});
  assert.deepEqual(first.size, [256, 256, 0], "the operator's");
  const { size } = await environments.setSize({
    projectId,
    environmentSlug,
    size: { memoryMib: 512, replicas: 3 },
  });
  assert.deepEqual([size?.memoryMib, size?.cpuMillicores, size?.replicas], [512, 256, 3]);
  await environments.setSize({ projectId, environmentSlug, size: { cpuMillicores: 500 } });
  assert.deepEqual((await sizeOf({})).size, [512, 500, 3]);
  assert.deepEqual((await sizeOf({ size: { memoryMib: 1_024 } })).size, [1_024, 500, 3]);
  await environments.setSize({ projectId, environmentSlug, size: { memoryMib: 64 }, reset: true });
  assert.deepEqual((await sizeOf({})).size, [64, 256, 0]);
});

Deno.test("a redeploy keeps the size of its deployment until the environment's is set, and not elsewhere", async () => {
  await using api = await startApi();
  const { projectId, rootKey } = await api.tenant("acme");
  const environments = api.client(EnvironmentService, rootKey);
  const deployments = api.client(DeploymentService, rootKey);
  const environmentSlug = "production";
  const memoryOf = async (deploymentId: string): Promise<number> => {
    const { deployment } = await deployments.getDeployment({ deploymentId });
    return deployment?.topology?.memoryMib ?? 0;
  };
  const redeploy = async (redeployOf: string, to = ""): Promise<number> =>
    await memoryOf((await deployments.createDeployment({ redeployOf, environmentSlug: to })).deploymentId);
  const create = async (size?: { memoryMib: number }): Promise<string> => {
    const source = { case: "dockerImage", value: "nginx:1" } as const;
    const request = { projectId, environmentSlug, source, ...(size === undefined ? {} : { size }) };
    return (await deployments.createDeployment(request)).deploymentId;
  };

  const large = await create({ memoryMib: 1_024 });
  assert.equal(await redeploy(large), 1_024);
  assert.equal(await redeploy(large, "preview"), 256, "another environment has a size of its own");
  await environments.setSize({ projectId, environmentSlug, size: { memoryMib: 512 } });
  assert.equal(await redeploy(large), 512);
  const later = await create({ memoryMib: 2_048 });
  await api.db.kysely.updateTable("environments").set({ size_set_at: 1 }).execute();
  assert.equal(await redeploy(later), 2_048);
});

Deno.test("setSize refuses sizes that the operator does not allow, and callers without the permission", async (t) => {
  await using api = await startApi({ memoryMax: 2_048, replicasMax: 4 });
  const { projectId, rootKey } = await api.tenant("acme");
  const client = api.client(EnvironmentService, rootKey);
  const { key } = await api.client(AdminService, rootKey).createRootKey({
    permissions: [`project.${projectId}.read_deployment`],
  });
  const stranger = api.client(EnvironmentService, (await api.tenant("other")).rootKey);
  const environmentSlug = "production";
  const set = (size: { memoryMib?: number; replicas?: number; cpuMillicores?: number }) => () =>
    client.setSize({ projectId, environmentSlug, size });
  const request = { projectId, environmentSlug, size: { memoryMib: 512 } };
  await eachRefused(t, [
    [
      "too much memory",
      set({ memoryMib: 4_096 }),
      Code.InvalidArgument,
      /memory_mib must be between 16 and 2048/,
    ],
    ["too little", set({ memoryMib: 8 }), Code.InvalidArgument, /between 16 and 2048/],
    ["a negative one", set({ cpuMillicores: -1 }), Code.InvalidArgument, /cpu_millicores must be between 10/],
    ["too many", set({ replicas: 5 }), Code.InvalidArgument, /replicas must be between 1 and 4/],
    [
      "an unknown environment",
      () => client.setSize({ ...request, environmentSlug: "nowhere" }),
      Code.NotFound,
      /nowhere/,
    ],
    ["a stranger", () => stranger.setSize(request), Code.NotFound, /project/i],
    [
      "a weak key",
      () => api.client(EnvironmentService, key).setSize(request),
      Code.PermissionDenied,
      /scale_environment/,
    ],
  ]);
});
