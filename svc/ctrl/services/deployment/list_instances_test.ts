import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import {
  ClusterService,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
} from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { eachRefused, startApi } from "../testing.ts";
import { placeNew, REGION } from "../testing_agents.ts";

const END = {
  reason: "oom_killed",
  message: "The app was killed because it used more than its 256 MiB of memory.",
  exitCode: 137,
  at: 1_760_000_000_000n,
};

Deno.test("listInstances shows the trouble of an instance, and the end of its last run while it runs again", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id: deploymentId, k8sName } = await placeNew(api, tenant);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const client = api.client(DeploymentService, tenant.rootKey);
  let generation = 0n;
  const report = (instance: { reason?: string; message?: string; lastEnd?: typeof END }) =>
    agent.reportDeploymentStatus({
      change: {
        case: "update",
        value: {
          k8sName,
          generation: ++generation,
          instances: [{
            k8sName: `${k8sName}-0`,
            address: "127.0.0.1:80",
            status: Status.RUNNING,
            restarts: 4,
            memoryMib: 256n,
            lastLogLines: ["no database"],
            ...instance,
          }],
        },
      },
    });
  const shown = async () => {
    const { instances: [instance] } = await client.listInstances({ deploymentId });
    assert.ok(instance !== undefined);
    const { status, reason, message, restarts, lastEnd, lastLogLines, region, memoryMib } = instance;
    return {
      status,
      reason,
      message,
      restarts,
      end: lastEnd?.message,
      exitCode: lastEnd?.exitCode,
      at: lastEnd?.at,
      lastLogLines,
      region,
      memoryMib,
    };
  };

  await report({ reason: "unhealthy", message: "it answered 500" });
  const first = await shown();
  assert.deepEqual([first.status, first.reason, first.message], ["running", "unhealthy", "it answered 500"]);
  assert.deepEqual([first.restarts, first.region, first.memoryMib], [4, REGION, 256n]);
  assert.deepEqual([first.lastLogLines, first.end], [["no database"], undefined]);

  await report({ lastEnd: END });
  const killed = await shown();
  assert.deepEqual([killed.reason, killed.end, killed.exitCode, killed.at], ["", END.message, 137, END.at]);
  await report({});
  assert.equal((await shown()).end, END.message, "an agent that was restarted does not know it any more");
});

Deno.test("listInstances refuses another workspace's deployment", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id: deploymentId } = await placeNew(api, tenant);
  const stranger = api.client(DeploymentService, (await api.tenant("other")).rootKey);
  await eachRefused(t, [
    ["a stranger", () => stranger.listInstances({ deploymentId }), Code.NotFound, /was not found/],
    ["no id", () => stranger.listInstances({}), Code.InvalidArgument, /^deployment_id is required/],
  ]);
});
