import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { ClusterService, Health } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { findSentinelOf } from "../../internal/store/mod.ts";
import { failure, sentinelToken, startApi } from "../testing.ts";
import { environmentOf, REGION, runNew } from "../testing_agents.ts";

Deno.test("reports of a sentinel are taken from its region only, and malformed ones are refused", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const id = await runNew(api, tenant);
  await sentinelToken(api, tenant);
  const environmentId = await environmentOf(api, id);
  const row = async () => {
    const found = await findSentinelOf(api.db.kysely, environmentId, REGION);
    return [found?.health, found?.available_replicas, found?.k8s_address];
  };
  const { id: sentinelId = "", k8s_name: k8sName = "" } =
    await findSentinelOf(api.db.kysely, environmentId, REGION) ?? {};
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const report = {
    k8sName,
    availableReplicas: 2,
    health: Health.HEALTHY,
    generation: 2n,
    address: "10.0.0.1:8040",
  };
  const other = api.client(ClusterService, await api.regionToken("us-east-1.aws"));
  await other.reportSentinelStatus(report);
  assert.deepEqual(await row(), ["unknown", 0, `${k8sName}.sentinel.svc.cluster.local:8040`]);
  await agent.reportSentinelStatus(report);
  const old = { ...report, generation: 1n, health: Health.UNHEALTHY };
  assert.equal((await agent.reportSentinelStatus(old)).newerGeneration, 2n);
  assert.deepEqual(await row(), ["healthy", 2, "10.0.0.1:8040"]);
  await agent.reportSentinelStatus({ ...report, k8sName: "unknown" });

  const error = "quota exceeded";
  const result = { resourceType: "sentinel", resourceId: sentinelId, version: 1n, error };
  await agent.acknowledge({ agentId: "a", appliedVersion: 0n, observedVersion: 1n, results: [result] });
  const status = async (key: string) => {
    const { regions } = await api.client(AdminService, key).getStatus({});
    const local = regions.find((each) => each.region === REGION);
    return [local?.desiredSentinels, local?.healthySentinels, local?.lastNackError];
  };
  assert.deepEqual(await status(tenant.rootKey), [1, 1, error]);
  assert.deepEqual(await status((await api.tenant("globex")).rootKey), [0, 0, ""]);
  for (const wrong of [{ k8sName: "" }, { availableReplicas: -1 }, { address: "http://x" }]) {
    const error = await failure(agent.reportSentinelStatus({ ...report, ...wrong }));
    assert.equal(error.code, Code.InvalidArgument, JSON.stringify(wrong));
  }
});
