import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { ClusterService } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { stopTopology } from "../../internal/store/mod.ts";
import { clock, next, refused, sentinelToken, startApi } from "../testing.ts";
import { nextState, REGION, summaryOf } from "../testing_agents.ts";

Deno.test("an agent gets its region's sentinels with their tokens, then changes, then the end", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const token = await sentinelToken(api, tenant);
  await sentinelToken(api, await api.tenant("globex"), { region: "us-east-1.aws" });
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const stream = agent.watchSentinels({ region: REGION, agentId: "krane-1" })[Symbol.asyncIterator]();
  const first = await nextState(stream);
  assert.ok(first.state.case === "apply");
  const { k8sName, image, replicas, cpuMillicores, memoryMib, sentinelId, environmentId } = first.state.value;
  assert.deepEqual(
    { image, replicas, cpuMillicores, memoryMib, token: first.state.value.token },
    { image: "unkey:1", replicas: 2, cpuMillicores: 256n, memoryMib: 256n, token },
  );
  assert.deepEqual(summaryOf(await nextState(stream)), ["snapshotEnd", 1], "no sentinel of another region");
  assert.deepEqual((await agent.getDesiredSentinelState({ sentinelId })).state, first.state);
  const other = api.client(ClusterService, await api.regionToken("us-east-1.aws"));
  await refused(other.getDesiredSentinelState({ sentinelId }), Code.NotFound, /not in this region/);

  const deployments = await api.db.kysely.selectFrom("deployments").select("id")
    .where("environment_id", "=", environmentId).execute();
  for (const { id } of deployments) {
    await transact(api.db, (tx) => stopTopology(tx, { deploymentId: id, nowMs: clock.now() }));
  }
  const end = await nextState(stream);
  assert.ok(end.state.case === "delete");
  assert.equal(end.state.value.k8sName, k8sName);
  await stream.return?.();
  const late = api.client(FrontlineService, token).watchRoutes({})[Symbol.asyncIterator]();
  await refused(next(late), Code.Unauthenticated, /revoked/);
  assert.ok(!api.lines.some((line) => line.includes(token)), "no token is logged");
});
