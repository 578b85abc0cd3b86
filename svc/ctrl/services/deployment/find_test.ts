import { Code } from "@connectrpc/connect";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { deployImage, eachRefused, startApi } from "../testing.ts";

Deno.test("requireDeployment() refuses ids without a deployment, and keys without the project's permission", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const deploymentId = await deployImage(api, tenant);
  const admin = api.client(AdminService, tenant.rootKey);
  const { project } = await admin.createProject({ slug: "blog" });
  const { key } = await admin.createRootKey({ permissions: [`project.${project?.id}.read_deployment`] });
  const client = api.client(DeploymentService, tenant.rootKey);
  const weak = api.client(DeploymentService, key);
  const get = (id: string) => () => client.getDeployment({ deploymentId: id });
  await eachRefused(t, [
    ["no id", get(""), Code.InvalidArgument, /^deployment_id is required/],
    ["an id of another kind", get(tenant.projectId), Code.InvalidArgument, /^deployment_id must look like/],
    ["an unknown id", get("d_missing"), Code.NotFound, /"d_missing" was not found: "unkey list"/],
    [
      "the field of another request",
      () => client.promote({ targetDeploymentId: "x" }),
      Code.InvalidArgument,
      /^target_deployment_id must look like/,
    ],
    [
      "a key of another project",
      () => weak.getDeployment({ deploymentId }),
      Code.PermissionDenied,
      /project\.proj_\w+\.read_deployment/,
    ],
  ]);
});
