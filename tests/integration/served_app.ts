/** A deployment whose instance is a server of the test, for edges that are fed by the api. */
import { transact } from "../../pkg/db/mod.ts";
import { ClusterService } from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import { ReportDeploymentStatusRequest_Update_Instance_Status as Status } from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import { assignRoutes, findDeployment } from "../../svc/ctrl/internal/store/mod.ts";
import {
  clock,
  deployImage,
  move,
  place,
  type Tenant,
  type TestApi,
} from "../../svc/ctrl/services/testing.ts";
import { environmentOf, instanceReport, REGION } from "../../svc/ctrl/services/testing_agents.ts";

/** Runs a deployment whose instance is at the port, and gives it a host name. */
export async function serve(
  api: TestApi,
  tenant: Tenant,
  { environment, hostname, port }: { environment: string; hostname: string; port: number },
): Promise<string> {
  const id = await deployImage(api, tenant, environment);
  await move(api, id, "deploying");
  await place(api, tenant, id, REGION);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const k8sName = (await findDeployment(api.db.kysely, id))?.k8s_name ?? "";
  await agent.reportDeploymentStatus(instanceReport(k8sName, 1n, Status.RUNNING, `127.0.0.1:${port}`));
  const environmentId = await environmentOf(api, id);
  await transact(api.db, (tx) =>
    assignRoutes(tx, {
      routes: [{ hostname, sticky: "environment" }],
      deploymentId: id,
      environmentId,
      projectId: tenant.projectId,
      workspaceId: tenant.workspaceId,
      nowMs: clock.now(),
    }));
  return id;
}
