import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import {
  ClusterService,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
} from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { FrontlineService, type RouteState } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { refused, startApi } from "../testing.ts";
import { instanceReport, nextState, placeNew, REGION } from "../testing_agents.ts";

Deno.test("a report wakes the workflow, and its endpoints reach the edges", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id, k8sName } = await placeNew(api, tenant);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const edge = api.client(FrontlineService, await api.regionToken("*"));
  const routes = edge.watchRoutes({ edgeId: "edge-1" })[Symbol.asyncIterator]();
  assert.equal((await nextState(routes)).state.case, "snapshotEnd");
  api.workflows.calls.length = 0;

  await agent.reportDeploymentStatus(instanceReport(k8sName, 1n, Status.RUNNING));
  assert.deepEqual(api.workflows.calls, [`instances ${id}`]);
  const up = await nextState(routes);
  assert.deepEqual(endpoints(up), [id, ["127.0.0.1:32768"]]);

  const { newerGeneration } = await agent.reportDeploymentStatus(instanceReport(k8sName, 1n, Status.FAILED));
  assert.deepEqual(api.workflows.calls, [`instances ${id}`], "a report that is not newer changes nothing");
  assert.equal(newerGeneration, 1n, "the agent gets the generation");
  await agent.reportDeploymentStatus(instanceReport(k8sName, 2n, Status.FAILED));
  assert.deepEqual(endpoints(await nextState(routes)), [id, []]);
  await agent.reportDeploymentStatus(instanceReport(k8sName, 3n, Status.RUNNING, "127.0.0.1:40000"));
  const moved = await nextState(routes);
  assert.deepEqual(endpoints(moved), [id, ["127.0.0.1:40000"]]);
  await agent.reportDeploymentStatus({ change: { case: "delete", value: { k8sName, generation: 4n } } });
  assert.deepEqual(endpoints(await nextState(routes)), [id, []]);
  await routes.return?.();
  await edge.acknowledgeRoutes({ edgeId: "edge-1", appliedVersion: moved.version });
});

function endpoints({ state }: RouteState): unknown {
  assert.equal(state.case, "applyEndpoints");
  return [state.value.deploymentId, state.value.endpoints.map(({ address }) => address)];
}

Deno.test("reports about unknown resources change nothing, malformed ones are refused", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { k8sName } = await placeNew(api, tenant);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  await agent.reportDeploymentStatus(instanceReport("unknown", 1n, Status.RUNNING));
  await agent.reportDeploymentStatus({});
  await agent.reportSentinelStatus({ k8sName: "s" });
  await refused(agent.getDesiredSentinelState({ sentinelId: "s" }), Code.NotFound, /Sentinel/);
  for (const address of ["nonsense", "host:", "a b:80", "http://x:80"]) {
    await refused(
      agent.reportDeploymentStatus(instanceReport(k8sName, 1n, Status.RUNNING, address)),
      Code.InvalidArgument,
      /address/,
    );
  }
  await refused(
    agent.reportDeploymentStatus(instanceReport("", 1n, Status.RUNNING)),
    Code.InvalidArgument,
    /k8s_name/,
  );
  // The report is stored even when the workflow cannot be woken.
  api.workflows.fail = true;
  await agent.reportDeploymentStatus(instanceReport(k8sName, 2n, Status.RUNNING));
});
