import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { ClusterService } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { callRest } from "../../api/rest/testing.ts";
import { refused, startApi, type TestApi } from "../testing.ts";
import { placeNew, REGION } from "../testing_agents.ts";

async function printed(api: TestApi) {
  const tenant = await api.tenant("acme");
  const { id } = await placeNew(api, tenant);
  const { id: other } = await placeNew(api, tenant);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const print = (deploymentId: string, ms: number, text: string) =>
    agent.reportInstanceLogs({
      deploymentId,
      lines: [{ instance: "i-1", timeNs: BigInt(ms) * 1_000_000n, ordinal: 0, stream: "stderr", text }],
    });
  await print(id, 1_000, '{"level":"error","msg":"connection refused","port":5432}');
  await print(other, 2_000, "INFO connection accepted");
  await print(other, 3_000, "ERROR Connection refused by peer");
  return { tenant, id, other, client: api.client(DeploymentService, tenant.rootKey) };
}

Deno.test("searchLogs() searches the deployments of a project, newest first, and reads JSON lines", async () => {
  await using api = await startApi();
  const { tenant, id, other, client } = await printed(api);
  const { projectId } = tenant;
  const texts = async (request: Parameters<typeof client.searchLogs>[0]) =>
    (await client.searchLogs(request)).lines.map(({ text }) => text);
  const { lines, cursor } = await client.searchLogs({ projectId, text: "connection refused", level: "warn" });
  assert.equal(cursor, "");
  assert.deepEqual(
    lines.map((each) => [each.deploymentId, each.time, each.level, each.message, each.fieldsJson]),
    [[other, 3_000n, "error", undefined, undefined], [
      id,
      1_000n,
      "error",
      "connection refused",
      '{"port":5432}',
    ]],
  );
  assert.equal((await texts({ projectId, environmentSlug: "production", text: "connection" })).length, 3);
  assert.deepEqual(await texts({ projectId, environmentSlug: "preview", text: "connection" }), []);
  assert.deepEqual(await texts({ deploymentId: other, level: "info", until: 3_000n }), [
    "INFO connection accepted",
  ]);
  assert.deepEqual(await texts({ projectId, text: "connect" }), []);
  assert.equal((await texts({ projectId, text: "connect*" })).length, 3);

  assert.equal((await texts({ projectId, text: " * " })).length, 3);

  const page = await client.searchLogs({ projectId, limit: 1 });
  assert.equal(page.searchedSince, 2_000n);
  const rest = await client.searchLogs({ projectId, limit: 100, cursor: page.cursor });
  assert.deepEqual([page, rest].flatMap((each) => each.lines.map(({ time }) => time)), [
    3_000n,
    2_000n,
    1_000n,
  ]);
});

Deno.test("searchLogs() of REST answers as the RPC does, with fields as an object", async () => {
  await using api = await startApi();
  const { tenant: { projectId, rootKey }, id } = await printed(api);
  const search = (body: object) => callRest(api.url, "searchLogs", body, rootKey);
  const { status, data } = await search({ projectId, environmentSlug: "production", text: "5432" });
  assert.equal(status, 200);
  assert.deepEqual(data, {
    lines: [{
      deploymentId: id,
      instance: "i-1",
      region: REGION,
      time: 1_000,
      stream: "stderr",
      text: '{"level":"error","msg":"connection refused","port":5432}',
      level: "error",
      message: "connection refused",
      fields: { port: 5432 },
    }],
    deploymentsLeftOut: false,
  });
  assert.equal((await search({ text: "x" })).status, 400);
  assert.equal((await search({ projectId: "proj_none" })).status, 404);
  assert.equal((await search({ deploymentId: "d_none" })).status, 404);
});

Deno.test("searchLogs() refuses what it cannot search, and other workspaces", async () => {
  await using api = await startApi();
  const { tenant: { projectId }, id, client } = await printed(api);
  const cases: readonly [Parameters<typeof client.searchLogs>[0], RegExp][] = [
    [{}, /project_id is required/],
    [{ deploymentId: id, projectId }, /without project_id/],
    [{ projectId, level: "loud" }, /level must be one of/],
    [{ projectId, text: "x".repeat(201) }, /at most 200/],
    [{ projectId, since: -1n }, /since/],
    [{ projectId, cursor: "abc" }, /start without it/],
  ];
  for (const [request, message] of cases) {
    await refused(client.searchLogs(request), Code.InvalidArgument, message);
  }
  const stranger = api.client(DeploymentService, (await api.tenant("other")).rootKey);
  await refused(stranger.searchLogs({ projectId }), Code.NotFound, /not found/);
  await refused(stranger.searchLogs({ deploymentId: id }), Code.NotFound, /not found/);
});
