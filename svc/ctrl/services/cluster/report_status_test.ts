import { Code } from "@connectrpc/connect";
import type { MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import {
  ClusterService,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
  type ReportDeploymentStatusRequest_Update_InstanceSchema as InstanceSchema,
} from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { FrontlineService, type RouteState } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { createTask, findTask } from "../../internal/store/mod.ts";
import { refused, SERVICE_TOKEN, startApi } from "../testing.ts";
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
  return [state.value.deploymentId, state.value.endpoints.map(({ address }) => address).toSorted()];
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
  await refused(
    agent.reportDeploymentStatus(instanceReport("", 1n, Status.RUNNING)),
    Code.InvalidArgument,
    /k8s_name/,
  );
  // The report is stored even when the workflow cannot be woken.
  api.workflows.fail = true;
  await agent.reportDeploymentStatus(instanceReport(k8sName, 2n, Status.RUNNING));
});

/** An agent in wrong hands would lead visitors to the control plane's own ports. */
Deno.test("an instance outside the token's networks gets no request, and all else of its report is taken", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id, k8sName } = await placeNew(api, tenant);
  const operator = api.client(AdminService, SERVICE_TOKEN);
  const agentOf = async (networks: string[]) => {
    const { token } = await operator.createRegionToken({ region: REGION, networks });
    return api.client(ClusterService, token);
  };
  const edge = api.client(FrontlineService, await api.regionToken("*"));
  const routes = edge.watchRoutes({ edgeId: "edge-1" })[Symbol.asyncIterator]();
  assert.equal((await nextState(routes)).state.case, "snapshotEnd");
  const instances = (...addresses: string[]) =>
    addresses.map((address, n) => ({
      k8sName: `${k8sName}-${n}`,
      address,
      status: Status.RUNNING,
      restarts: 3,
    }));
  const report = (generation: bigint, ...addresses: string[]) => ({
    change: { case: "update", value: { k8sName, generation, instances: instances(...addresses) } } as const,
  });

  const narrow = await agentOf(["10.0.0.0/8", "fd00::/8"]);
  const { refusedAddresses } = await narrow.reportDeploymentStatus(
    report(1n, "127.0.0.1:9070", "10.0.0.1:80", "[fd00::1]:80", "192.168.0.1:80", "control-plane:80", ""),
  );
  assert.deepEqual(endpoints(await nextState(routes)), [id, ["10.0.0.1:80", "[fd00::1]:80"]]);
  assert.deepEqual(refusedAddresses.map(({ address }) => address), [
    "127.0.0.1:9070",
    "192.168.0.1:80",
    "control-plane:80",
  ]);
  assert.match(
    refusedAddresses[0]?.message ?? "",
    /"127.0.0.1:9070", is not in the networks .*\(10.0.0.0\/8, fd00/,
  );
  const deployments = api.client(DeploymentService, tenant.rootKey);
  const rows = (await deployments.listInstances({ deploymentId: id })).instances;
  assert.deepEqual(rows.map(({ status, reason, restarts }) => [status, reason, restarts]), [
    ["pending", "refused", 3],
    ["running", "", 3],
    ["running", "", 3],
    ["pending", "refused", 3],
    ["pending", "refused", 3],
    ["running", "", 3],
  ]);
  assert.match(
    rows[4]?.message ?? "",
    /"control-plane:80", is not an IP address with a port, so that no request/,
  );
  const status = await api.client(AdminService, tenant.rootKey).getStatus({});
  assert.equal(status.regions.find(({ region }) => region === REGION)?.refusedDeployments, 1);

  const wide = await agentOf([]);
  const refusedOf = async (...args: Parameters<typeof report>) =>
    (await wide.reportDeploymentStatus(report(...args))).refusedAddresses.map(({ address }) => address);
  assert.deepEqual(await refusedOf(2n, "192.168.0.1:80", "127.0.0.1:80", "169.254.169.254:80", "[::1]:80"), [
    "127.0.0.1:80",
    "169.254.169.254:80",
    "[::1]:80",
  ]);
  assert.deepEqual(endpoints(await nextState(routes)), [id, ["192.168.0.1:80"]]);
  const stale = await wide.reportDeploymentStatus(report(1n, "[::1]:80"));
  assert.deepEqual([stale.newerGeneration, stale.refusedAddresses.length], [2n, 1]);
  await routes.return?.();
});

Deno.test("a report of a task is taken once, and wakes the workflow; others are refused or left out", async () => {
  await using api = await startApi();
  const { id, k8sName } = await placeNew(api, await api.tenant("acme"));
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const task = { deployment_id: id, name: "release", workspace_id: "w", region: REGION, command: ["x"] };
  await transact(api.db, (tx) => createTask(tx, { ...task, timeout_seconds: 60, nowMs: 1 }));
  const tell = async (
    generation: bigint,
    name: string,
    instance: MessageInitShape<typeof InstanceSchema>,
  ) => {
    api.workflows.calls.length = 0;
    const tasks = [{ name, instance: { k8sName: "unkey-x-release", ...instance } }];
    await agent.reportDeploymentStatus({ change: { case: "update", value: { k8sName, generation, tasks } } });
    const row = await findTask(api.db.kysely, id, "release");
    return [api.workflows.calls, row?.state, row?.exit_code];
  };
  const woken = [`instances ${id}`];
  assert.deepEqual(await tell(1n, "other", { status: Status.RUNNING }), [[], "wanted", null]);
  assert.deepEqual(await tell(2n, "release", { status: Status.RUNNING }), [woken, "running", null]);
  const end = { status: Status.ENDED, exitCode: 0 };
  assert.deepEqual(await tell(3n, "release", { ...end, reason: "timed_out" }), [woken, "failed", 0]);
  assert.deepEqual(await tell(4n, "release", end), [[], "failed", 0], "an end is final");
  await refused(tell(5n, "", end), Code.InvalidArgument, /tasks\.name/);
});
