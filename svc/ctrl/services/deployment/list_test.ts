import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { deployImage, eachRefused, refused, startApi } from "../testing.ts";

Deno.test("listDeployments() pages newest first, and shows what the key may read only", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const admin = api.client(AdminService, tenant.rootKey);
  const { project } = await admin.createProject({ slug: "blog" });
  const blog = { ...tenant, projectId: project?.id ?? "" };
  const created = [
    await deployImage(api, tenant),
    await deployImage(api, blog),
    await deployImage(api, tenant, "preview"),
  ];
  const client = api.client(DeploymentService, tenant.rootKey);
  const seen: string[] = [];
  for (let pageToken = "";;) {
    const page = await client.listDeployments({ pageSize: 1, pageToken });
    seen.push(...page.deployments.map(({ id }) => id));
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  assert.deepEqual(seen.toSorted(), created.toSorted());
  const ids = async (filter: { projectId?: string; environmentSlug?: string }, key = tenant.rootKey) =>
    (await api.client(DeploymentService, key).listDeployments(filter)).deployments.map(({ id }) => id);
  assert.deepEqual(await ids({ projectId: blog.projectId }), [created[1]]);
  assert.deepEqual(await ids({ environmentSlug: "preview" }), [created[2]]);
  const { key } = await admin.createRootKey({ permissions: [`project.${blog.projectId}.read_deployment`] });
  assert.deepEqual(await ids({}, key), [created[1]]);
  await refused(ids({ projectId: tenant.projectId }, key), Code.PermissionDenied, /read_deployment/);
  await refused(client.listDeployments({ pageToken: "x" }), Code.InvalidArgument, /page_token/);
});

Deno.test("listDeployments() has pages of 20 by default, and refuses filters that name nothing", async (t) => {
  await using api = await startApi();
  const [tenant, other] = [await api.tenant("acme"), await api.tenant("globex")];
  for (let count = 0; count < 21; count++) await deployImage(api, tenant);
  const client = api.client(DeploymentService, tenant.rootKey);
  const first = await client.listDeployments({});
  assert.equal(first.deployments.length, 20);
  const second = await client.listDeployments({ pageToken: first.nextPageToken });
  assert.deepEqual([second.deployments.length, second.nextPageToken], [1, ""]);
  assert.equal((await client.listDeployments({ pageSize: 1_000 })).deployments.length, 21);
  assert.deepEqual((await client.listDeployments({ environmentSlug: "qa" })).deployments, []);
  await eachRefused(t, [
    [
      "a negative size",
      () => client.listDeployments({ pageSize: -1 }),
      Code.InvalidArgument,
      /^page_size must/,
    ],
    [
      "a malformed project",
      () => client.listDeployments({ projectId: "x" }),
      Code.InvalidArgument,
      /^project_id must look like/,
    ],
    [
      "another workspace's project",
      () => client.listDeployments({ projectId: other.projectId }),
      Code.NotFound,
      /^Project .* was not found/,
    ],
    [
      "a long environment",
      () => client.listDeployments({ environmentSlug: "x".repeat(64) }),
      Code.InvalidArgument,
      /^environment_slug must have at most 63/,
    ],
    [
      "a token of another list",
      () => client.listDeployments({ pageToken: btoa("1:ws_x") }),
      Code.InvalidArgument,
      /^page_token is not one/,
    ],
  ]);
});
