import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { deployImage, eachRefused, startApi } from "../testing.ts";

Deno.test("setIdleEnd holds until it is reset, and the list shows it beside the size and the last deploy", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId, rootKey } = tenant;
  const client = api.client(EnvironmentService, rootKey);
  const admin = api.client(AdminService, rootKey);
  const listed = async () => {
    const { environments } = await admin.listEnvironments({ projectId });
    return environments.map(({ slug, idleEndSeconds }) => [slug, Number(idleEndSeconds)]);
  };
  assert.deepEqual(await listed(), [["preview", 604_800], ["production", 0]]);
  const set = async (seconds?: bigint) =>
    (await client.setIdleEnd({
      projectId,
      environmentSlug: "preview",
      ...(seconds === undefined ? {} : { seconds }),
    })).seconds;
  assert.equal(await set(3_600n), 3_600n);
  assert.deepEqual(await listed(), [["preview", 3_600], ["production", 0]]);
  assert.equal(await set(0n), 0n);
  assert.deepEqual(await listed(), [["preview", 0], ["production", 0]]);
  assert.equal(await set(), 604_800n);

  await deployImage(api, tenant);
  await client.setSize({ projectId, environmentSlug: "production", size: { memoryMib: 512, replicas: 2 } });
  const { environments } = await admin.listEnvironments({ projectId });
  const production = environments.find(({ slug }) => slug === "production");
  assert.deepEqual([production?.size?.memoryMib, production?.size?.replicas], [512, 2]);
  assert.ok(Number(production?.lastDeployedAt) > 0);
  assert.equal(environments.find(({ slug }) => slug === "preview")?.lastDeployedAt, 0n);
});

Deno.test("setIdleEnd refuses production, times out of bounds, and callers without the permission", async (t) => {
  await using api = await startApi();
  const { projectId, rootKey } = await api.tenant("acme");
  const client = api.client(EnvironmentService, rootKey);
  const { key } = await api.client(AdminService, rootKey).createRootKey({
    permissions: [`project.${projectId}.read_deployment`],
  });
  const stranger = api.client(EnvironmentService, (await api.tenant("other")).rootKey);
  const request = { projectId, environmentSlug: "preview", seconds: 60n };
  await eachRefused(t, [
    [
      "production",
      () => client.setIdleEnd({ ...request, environmentSlug: "production" }),
      Code.InvalidArgument,
      /must not be production: what it serves goes on without requests/,
    ],
    [
      "a negative time",
      () => client.setIdleEnd({ ...request, seconds: -1n }),
      Code.InvalidArgument,
      /between 0/,
    ],
    [
      "centuries",
      () => client.setIdleEnd({ ...request, seconds: 1n << 40n }),
      Code.InvalidArgument,
      /between 0/,
    ],
    ["a stranger", () => stranger.setIdleEnd(request), Code.NotFound, /project/i],
    [
      "a weak key",
      () => api.client(EnvironmentService, key).setIdleEnd(request),
      Code.PermissionDenied,
      /scale_environment/,
    ],
  ]);
});
