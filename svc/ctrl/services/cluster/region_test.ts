import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import {
  ClusterService,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
} from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { next, refused, startApi } from "../testing.ts";
import { instanceReport, placeNew, REGION } from "../testing_agents.ts";

/** One stolen token must not give access to every region. */
Deno.test("a region's token reads and reports that region only", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id, k8sName } = await placeNew(api, tenant);
  const other = api.client(ClusterService, await api.regionToken("us-east-1.aws"));
  await refused(
    next(other.watchDeployments({ region: REGION })[Symbol.asyncIterator]()),
    Code.PermissionDenied,
    /region/,
  );
  await refused(
    next(other.watchSentinels({ region: REGION })[Symbol.asyncIterator]()),
    Code.PermissionDenied,
    /region/,
  );
  await refused(
    next(other.watchSentinels({})[Symbol.asyncIterator]()),
    Code.InvalidArgument,
    /region is required/,
  );
  await refused(other.getDesiredDeploymentState({ deploymentId: id }), Code.NotFound, /not placed/);
  const header = { headers: { "x-krane-region": REGION } };
  await refused(other.acknowledge({ agentId: "a" }, header), Code.PermissionDenied, /region/);
  await other.reportDeploymentStatus(instanceReport(k8sName, 1n, Status.RUNNING));
  await other.reportInstanceLogs({
    deploymentId: id,
    lines: [{ instance: "x", timeNs: 1n, stream: "stdout", text: "x" }],
  });
  const { deployment } = await api.client(DeploymentService, tenant.rootKey).getDeployment({
    deploymentId: id,
  });
  assert.equal(deployment?.runningInstances, 0);
  assert.deepEqual(await api.db.kysely.selectFrom("log_blocks").selectAll().execute(), []);
});
