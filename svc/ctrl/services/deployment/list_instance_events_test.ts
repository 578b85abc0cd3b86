import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  ClusterService,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
} from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { eachRefused, startApi } from "../testing.ts";
import { placeNew, REGION } from "../testing_agents.ts";

Deno.test("a refusal of a live app is an event, counts for its region, and is over when it is lifted", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id: deploymentId, k8sName } = await placeNew(api, tenant);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const client = api.client(DeploymentService, tenant.rootKey);
  const admin = api.client(AdminService, tenant.rootKey);
  let generation = 0n;
  const report = (name: string, status: Status, reason = "", message = "") =>
    agent.reportDeploymentStatus({
      change: {
        case: "update",
        value: {
          k8sName,
          generation: ++generation,
          instances: [{
            k8sName: `${k8sName}-${name}`,
            address: status === Status.RUNNING ? "127.0.0.1:80" : "",
            status,
            reason,
            message,
          }],
        },
      },
    });
  const refusedCount = async () =>
    (await admin.getStatus({})).regions.find(({ region }) => region === REGION)?.refusedDeployments;

  await report("x1", Status.RUNNING);
  assert.deepEqual((await client.listInstanceEvents({ deploymentId })).events, []);
  assert.equal(await refusedCount(), 0);
  await report("refused", Status.PENDING, "refused", "The cluster has a rule.");
  assert.equal(await refusedCount(), 1);
  const { instances: [instance] } = await client.listInstances({ deploymentId });
  assert.ok(instance !== undefined && instance.troubleSince > 0n);
  await report("x2", Status.RUNNING);
  assert.equal(await refusedCount(), 0);
  const { events } = await client.listInstanceEvents({ deploymentId });
  assert.deepEqual(
    events.map((
      { kind, reason, message, instance, region, times, exitCode },
    ) => [kind, reason, message, instance, region, times, exitCode]),
    [
      ["trouble", "refused", "The cluster has a rule.", `${k8sName}-refused`, REGION, 1, undefined],
      ["recovered", "refused", "The region runs the app again.", `${k8sName}-refused`, REGION, 1, undefined],
    ],
  );
  assert.ok(events.every(({ firstAt, lastAt }) => firstAt > 0n && firstAt === lastAt));
});

Deno.test("listInstanceEvents refuses another workspace's deployment", async (t) => {
  await using api = await startApi();
  const { id: deploymentId } = await placeNew(api, await api.tenant("acme"));
  const stranger = api.client(DeploymentService, (await api.tenant("other")).rootKey);
  await eachRefused(t, [
    ["a stranger", () => stranger.listInstanceEvents({ deploymentId }), Code.NotFound, /was not found/],
    ["no id", () => stranger.listInstanceEvents({}), Code.InvalidArgument, /^deployment_id is required/],
  ]);
});
