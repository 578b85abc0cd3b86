import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { newId } from "../../../../pkg/uid/mod.ts";
import { ClusterService } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { decodeLoads } from "../../internal/scaling/mod.ts";
import { listLoadReports } from "../../internal/store/mod.ts";
import { clock, refused, startApi } from "../testing.ts";

Deno.test("a report of an edge or an agent replaces the one before, and the last one of an edge removes it", async () => {
  await using api = await startApi();
  const deploymentId = newId("deployment", clock.now());
  const edge = api.client(FrontlineService, await api.regionToken("*"));
  const agent = api.client(ClusterService, await api.regionToken("eu"));
  const report = { edgeId: "e", processId: "p" };
  for (const concurrencyMilli of [1_000n, 2_500n]) {
    await edge.reportLoad({ ...report, loads: [{ deploymentId, region: "eu", concurrencyMilli }] });
    const deployments = [{ deploymentId, cpuMillicores: concurrencyMilli, instances: 3 }];
    await agent.reportUsage({ agentId: "a", deployments });
  }
  const stored = async () =>
    (await listLoadReports(api.db.kysely, clock.now() - 60_000)).map(({ reporter, source, loads }) => [
      reporter,
      source,
      decodeLoads(loads).map(({ region, value, instances }) => [region, value, instances]),
    ]).toSorted();
  assert.deepEqual(await stored(), [
    ["agent:eu", "eu", [["eu", 2_500, 3]]],
    ["edge:p", "*:e", [["eu", 2_500, 0]]],
  ]);
  await edge.reportLoad({ ...report, isLast: true });
  assert.deepEqual((await stored()).map(([reporter]) => reporter), ["agent:eu"]);
});

Deno.test("reports of a load that nothing can have are refused", async () => {
  await using api = await startApi();
  const deploymentId = newId("deployment", clock.now());
  const edge = api.client(FrontlineService, await api.regionToken("*"));
  const agent = api.client(ClusterService, await api.regionToken("eu"));
  const load = { deploymentId, region: "eu", concurrencyMilli: 1n };
  const report = { edgeId: "e", processId: "p", loads: [load] };
  const loads = (each: { deploymentId: string; region: string; concurrencyMilli: bigint }, length = 1) =>
    Array.from({ length }, () => each);
  const edges: readonly (readonly [Parameters<typeof edge.reportLoad>[0], RegExp])[] = [
    [{ ...report, edgeId: "" }, /edge_id/],
    [{ ...report, processId: "" }, /process_id/],
    [{ ...report, loads: loads(load, 10_001) }, /at most 10000/],
    [{ ...report, loads: loads({ ...load, deploymentId: "x" }) }, /deployment_id/],
    [{ ...report, loads: loads({ ...load, region: "" }) }, /region/],
    [{ ...report, loads: loads({ ...load, concurrencyMilli: 2n ** 60n }) }, /concurrency_milli/],
  ];
  for (const [request, text] of edges) await refused(edge.reportLoad(request), Code.InvalidArgument, text);
  const usage = { deploymentId, cpuMillicores: 1n, instances: 1 };
  const agents: readonly (readonly [Parameters<typeof agent.reportUsage>[0], RegExp])[] = [
    [{ agentId: "", deployments: [usage] }, /agent_id/],
    [{ agentId: "a", deployments: [{ ...usage, deploymentId: "x" }] }, /deployment_id/],
    [{ agentId: "a", deployments: [{ ...usage, cpuMillicores: -1n }] }, /cpu_millicores/],
    [{ agentId: "a", deployments: [{ ...usage, instances: 1_001 }] }, /instances/],
  ];
  for (const [request, text] of agents) await refused(agent.reportUsage(request), Code.InvalidArgument, text);
});
