import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { newId } from "../../../../pkg/uid/mod.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { callRest } from "../../api/rest/testing.ts";
import { recordRequests } from "../../internal/store/mod.ts";
import { clock, deployImage, refused, startApi } from "../testing.ts";

const INTERVAL_MS = 10_000;
const lastInterval = (): number => Math.floor(clock.now() / INTERVAL_MS - 1) * INTERVAL_MS;

Deno.test("reports of edges are read by the owner of the deployment, once each, by RPC and REST", async () => {
  await using api = await startApi();
  const [tenant, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const deploymentId = await deployImage(api, tenant);
  const edge = api.client(FrontlineService, await api.regionToken("*"));
  const counts = {
    deploymentId,
    responses: [0, 16, 0, 1, 3],
    failedByEdge: 1,
    cutOff: 1,
    receivedBytes: 10n,
    sentBytes: 20n,
    busyMs: 5_000n,
    concurrencyMax: 4,
    latencyBuckets: [4, 26],
    latencyCounts: [15, 5],
    lastRequestAt: BigInt(lastInterval() + 9_000),
  };
  const startedAt = BigInt(lastInterval());
  const report = { edgeId: "e", region: "eu", startedAt, deployments: [counts] };
  for (const processId of ["p", "p", "q"]) {
    const { now } = await edge.reportTraffic({ ...report, processId });
    assert.ok(Math.abs(Number(now) - clock.now()) < 60_000);
  }
  await edge.reportTraffic({ ...report, processId: "p", region: "us" });
  // Too old, and of the future.
  for (const ms of [-20 * 60_000, 10 * 60_000]) {
    await edge.reportTraffic({ ...report, processId: "r", startedAt: startedAt + BigInt(ms) });
  }
  const client = api.client(DeploymentService, tenant.rootKey);
  const { total, points, regions, ...traffic } = await client.getTraffic({ deploymentId });
  assert.deepEqual(
    [total?.requests, total?.status2xx, total?.status5xx, total?.failedByEdge, total?.cutOff],
    [60n, 48n, 9n, 3n, 3n],
  );
  assert.deepEqual(points.map(({ at, numbers }) => [at, numbers?.requests]), [[startedAt, 60n]]);
  assert.deepEqual(regions.map(({ region, numbers }) => [region, numbers?.requests]), [["eu", 40n], [
    "us",
    20n,
  ]]);
  assert.deepEqual([traffic.stepSeconds, traffic.lastRequestAt], [10n, counts.lastRequestAt]);
  assert.equal((await client.getTraffic({ deploymentId, region: "us" })).total?.requests, 20n);
  const body = { deploymentId, sinceSeconds: 86_400 };
  const { status, data } = await callRest(api.url, "getTraffic", body, tenant.rootKey);
  assert.equal(status, 200);
  assert.partialDeepStrictEqual(data, { stepSeconds: 300, total: { requests: 60, status4xx: 3 } });
  const foreign = api.client(DeploymentService, other.rootKey);
  await refused(foreign.getTraffic({ deploymentId }), Code.NotFound, /was not found/);
  for (const sinceSeconds of [1n, 90n * 86_400n + 1n]) {
    await refused(client.getTraffic({ deploymentId, sinceSeconds }), Code.InvalidArgument, /since_seconds/);
  }
});

Deno.test("requests of all deployments of an environment are read together, and of no other environment", async () => {
  await using api = await startApi();
  const [tenant, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const [first, second, preview, quiet] = [
    await deployImage(api, tenant),
    await deployImage(api, tenant),
    await deployImage(api, tenant, "preview"),
    await deployImage(api, tenant),
  ];
  await recordRequests(api.db.kysely, [first, second, preview]);
  const edge = api.client(FrontlineService, await api.regionToken("*"));
  const startedAt = BigInt(lastInterval());
  const deployments = [first, second, preview, quiet].map((deploymentId, at) => ({
    deploymentId,
    responses: [0, 10 * (at + 1), 0, 0, 0],
    concurrencyMax: 2,
    latencyBuckets: [4 + at * 20],
    latencyCounts: [10 * (at + 1)],
  }));
  await edge.reportTraffic({ edgeId: "e", processId: "p", region: "eu", startedAt, deployments });
  const client = api.client(DeploymentService, tenant.rootKey);
  const scope = { projectId: tenant.projectId, environmentSlug: "production" };
  const { deploymentIds, total, points, ...rest } = await client.getTraffic(scope);
  assert.deepEqual(deploymentIds, [first, second].toSorted());
  assert.deepEqual([total?.requests, total?.concurrencyMax], [30n, 4n]);
  assert.deepEqual(points.map(({ at, numbers }) => [at, numbers?.requests]), [[startedAt, 30n]]);
  assert.deepEqual([rest.deploymentId, rest.deploymentsLeftOut], ["", false]);
  const fast = await client.getTraffic({ deploymentId: first });
  assert.ok(Number(total?.p50Ms) > Number(fast.total?.p99Ms), "two thirds are of the slower one");
  const { status, data } = await callRest(api.url, "getTraffic", scope, tenant.rootKey);
  assert.equal(status, 200);
  assert.partialDeepStrictEqual(data, { deploymentIds, deploymentsLeftOut: false, total: { requests: 30 } });
  const foreign = api.client(DeploymentService, other.rootKey);
  await refused(foreign.getTraffic(scope), Code.NotFound, /was not found/);
  await refused(client.getTraffic({ ...scope, environmentSlug: "none" }), Code.NotFound, /"none"/);
  await refused(client.getTraffic({ ...scope, deploymentId: first }), Code.InvalidArgument, /deployment_id/);
  await refused(client.getTraffic({}), Code.InvalidArgument, /project_id/);
});

Deno.test("reportTraffic() refuses what no edge reports", async () => {
  await using api = await startApi();
  const edge = api.client(FrontlineService, await api.regionToken("*"));
  const deploymentId = newId("deployment", clock.now());
  const counts = { deploymentId, responses: [0, 1, 0, 0, 0] };
  const report = { edgeId: "e", processId: "p", region: "eu", startedAt: BigInt(lastInterval()) };
  const cases: readonly (readonly [Parameters<typeof edge.reportTraffic>[0], RegExp])[] = [
    [{ ...report, edgeId: "" }, /edge_id/],
    [{ ...report, processId: "" }, /process_id/],
    [{ ...report, region: "" }, /region/],
    [{ ...report, startedAt: 5n }, /started_at/],
    [{ ...report, deployments: Array.from({ length: 1_001 }, () => counts) }, /at most 1000/],
    [{ ...report, deployments: [{ ...counts, deploymentId: "x" }] }, /deployment_id/],
    [{ ...report, deployments: [{ ...counts, responses: [1] }] }, /responses/],
    [
      { ...report, deployments: [{ ...counts, latencyBuckets: [3, 3], latencyCounts: [1, 1] }] },
      /latency_buckets/,
    ],
    [
      { ...report, deployments: [{ ...counts, latencyBuckets: [136], latencyCounts: [1] }] },
      /latency_buckets/,
    ],
    [{ ...report, deployments: [{ ...counts, latencyBuckets: [1], latencyCounts: [] }] }, /latency_buckets/],
    [{ ...report, deployments: [{ ...counts, sentBytes: 2n ** 60n }] }, /sent_bytes/],
  ];
  for (const [request, text] of cases) {
    await refused(edge.reportTraffic(request), Code.InvalidArgument, text);
  }
});
