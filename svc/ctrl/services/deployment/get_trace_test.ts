import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { eventually } from "../../../../pkg/testkit/eventually.ts";
import {
  ClusterService,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
} from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import {
  clock,
  deployImage,
  eachRefused,
  move,
  place,
  startApi,
  type Tenant,
  type TestApi,
} from "../testing.ts";
import { findDeployment } from "../../internal/store/mod.ts";

const REGION = "local.dev";
const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/** A command that began a second ago, and packed for half of it. Its clock is an hour ahead. */
async function deployTraced(api: TestApi, tenant: Tenant): Promise<string> {
  const nowMs = clock.now() + 3_600_000;
  const at = (ms: number): bigint => BigInt(nowMs + ms);
  const { deploymentId } = await api.client(DeploymentService, tenant.rootKey).createDeployment({
    projectId: tenant.projectId,
    environmentSlug: "production",
    source: { case: "dockerImage", value: "nginx:1.29" },
    clientTrace: {
      startedAt: at(-1_000),
      sentAt: at(0),
      spans: [{ key: "pack", name: "pack", startedAt: at(-600), endedAt: at(-100) }],
    },
  }, { headers: { traceparent: PARENT } });
  return deploymentId;
}

async function traceOf(api: TestApi, tenant: Tenant, deploymentId: string) {
  const { trace } = await api.client(DeploymentService, tenant.rootKey).getDeploymentTrace({ deploymentId });
  assert.ok(trace !== undefined);
  return trace;
}

Deno.test("a trace has what the command, the control plane and the region did, in the caller's trace", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const deploymentId = await deployTraced(api, tenant);
  await place(api, tenant, deploymentId, REGION);
  const k8sName = (await findDeployment(api.db.kysely, deploymentId))?.k8s_name ?? "";
  const nowMs = clock.now();
  const report = api.client(ClusterService, await api.regionToken(REGION)).reportDeploymentStatus({
    change: {
      case: "update",
      value: {
        k8sName,
        generation: 1n,
        sentAt: BigInt(nowMs),
        instances: [{ k8sName: `${k8sName}-0`, address: "127.0.0.1:80", status: Status.RUNNING }],
        spans: [{
          key: "pull",
          name: "pull",
          startedAt: BigInt(nowMs - 1),
          endedAt: BigInt(nowMs),
          failed: true,
        }],
      },
    },
  });
  await report;
  await move(api, deploymentId, "ready");
  await eventually(
    "all spans to be stored",
    async () => (await traceOf(api, tenant, deploymentId)).spans.length >= 5,
  );
  const trace = await traceOf(api, tenant, deploymentId);
  assert.equal(trace.traceId, "4bf92f3577b34da6a3ce929d0e0e4736");
  assert.equal(trace.outcome, "ready");
  const tookMs = Number(trace.endedAt - trace.startedAt);
  assert.ok(tookMs >= 1_000 && tookMs < 3_500_000, `${tookMs}`);
  const named = (name: string) => trace.spans.find((span) => span.name === name);
  const pack = named("pack");
  assert.equal(Number((pack?.endedAt ?? 0n) - (pack?.startedAt ?? 0n)), 500);
  assert.equal(trace.spans[0]?.name, "command");
  assert.equal(trace.spans[0]?.gap, true);
  assert.ok(named("create") !== undefined);
  assert.deepEqual([named("pull")?.region, named("pull")?.status], [REGION, "failed"]);
  const shares = trace.shares.reduce((sum, share) => sum + Number(share.tookMs), 0);
  assert.equal(shares, tookMs);
  assert.equal(trace.before, undefined);
});

Deno.test("a trace is compared with the success before it, and one that is not asked for has an id of its own", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const former = await deployImage(api, tenant);
  await move(api, former, "ready");
  const [second, third] = [await deployImage(api, tenant), await deployImage(api, tenant)];
  const trace = await traceOf(api, tenant, second);
  assert.equal(trace.before?.deploymentId, former);
  assert.match(trace.traceId, /^[0-9a-f]{32}$/);
  assert.notEqual(trace.traceId, (await traceOf(api, tenant, third)).traceId);
  assert.deepEqual([trace.endedAt, trace.outcome], [0n, ""]);
});

Deno.test("a trace is refused to other workspaces, and old deployments have none", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const [deploymentId, old] = [await deployImage(api, tenant), await deployImage(api, tenant)];
  const removed = await deployImage(api, tenant);
  await api.db.kysely.deleteFrom("deployment_traces").where("deployment_id", "!=", deploymentId).execute();
  await api.db.kysely.updateTable("deployments").set({ output_removed_at: 1 }).where("id", "=", removed)
    .execute();
  const own = api.client(DeploymentService, tenant.rootKey);
  const stranger = api.client(DeploymentService, (await api.tenant("other")).rootKey);
  await eachRefused(t, [
    ["a stranger", () => stranger.getDeploymentTrace({ deploymentId }), Code.NotFound, /was not found/],
    ["no id", () => own.getDeploymentTrace({}), Code.InvalidArgument, /^deployment_id is required/],
    [
      "a deployment from before traces",
      () => own.getDeploymentTrace({ deploymentId: old }),
      Code.FailedPrecondition,
      /made before the platform kept them/,
    ],
    [
      "a deployment whose output was removed",
      () => own.getDeploymentTrace({ deploymentId: removed }),
      Code.FailedPrecondition,
      /are removed with their output\. Deploy again/,
    ],
  ]);
});
