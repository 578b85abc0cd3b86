import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { EnvironmentService, EnvironmentType } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { eachRefused, refused, SERVICE_TOKEN, startApi } from "../testing.ts";

Deno.test("workspaces, projects and environments have slugs that are taken once", async () => {
  await using api = await startApi();
  const operator = api.client(AdminService, SERVICE_TOKEN);
  const tenant = await api.tenant("acme");
  const admin = api.client(AdminService, tenant.rootKey);
  await refused(operator.createWorkspace({ slug: "acme" }), Code.AlreadyExists, /workspace "acme" already/);
  await refused(operator.createWorkspace({ slug: "Acme" }), Code.InvalidArgument, /^slug must/);
  await refused(operator.createProject({ slug: "x" }), Code.InvalidArgument, /workspace_id is required/);
  await refused(operator.createProject({ workspaceId: "ws_missing", slug: "x" }), Code.NotFound, /Workspace/);
  await refused(admin.createProject({ slug: "shop" }), Code.AlreadyExists, /project "shop" already/);
  await refused(admin.createProject({ slug: "x", workspaceId: "ws_other" }), Code.NotFound, /Workspace/);

  const environments = api.client(EnvironmentService, tenant.rootKey);
  const { id } = await environments.createEnvironment({
    projectId: tenant.projectId,
    slug: "qa",
    description: "for QA",
  });
  await refused(
    environments.createEnvironment({ projectId: tenant.projectId, slug: "qa" }),
    Code.AlreadyExists,
    /"qa" already/,
  );
  const second = { projectId: tenant.projectId, slug: "prod2", type: EnvironmentType.PRODUCTION };
  await refused(environments.createEnvironment(second), Code.InvalidArgument, /production/);
  const listed = (await admin.listEnvironments({ projectId: tenant.projectId })).environments;
  assert.deepEqual(listed.map(({ slug }) => slug), ["preview", "production", "qa"]);
  assert.deepEqual(listed.find((each) => each.id === id)?.description, "for QA");
  assert.deepEqual((await admin.listProjects({})).projects.map(({ slug }) => slug), ["shop"]);
  const other = await api.tenant("globex");
  await refused(
    api.client(AdminService, other.rootKey).listEnvironments({ projectId: tenant.projectId }),
    Code.NotFound,
    /was not found/,
  );
});

Deno.test("createProject() and listProjects() follow the limits of fields and the permissions of the key", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const admin = api.client(AdminService, tenant.rootKey);
  const { project } = await admin.createProject({ slug: "blog" });
  assert.deepEqual([project?.name, project?.defaultBranch], ["blog", "main"]);
  const only = [`project.${project?.id}.create_project`, `project.${project?.id}.read_project`];
  const { key } = await admin.createRootKey({ permissions: only });
  const weak = api.client(AdminService, key);
  await eachRefused(t, [
    ["a bad slug", () => admin.createProject({ slug: "a.b" }), Code.InvalidArgument, /^slug must/],
    [
      "a long name",
      () => admin.createProject({ slug: "x", name: "x".repeat(257) }),
      Code.InvalidArgument,
      /^name must have at most 256/,
    ],
    [
      "a long branch",
      () => admin.createProject({ slug: "x", defaultBranch: "x".repeat(257) }),
      Code.InvalidArgument,
      /^default_branch must have at most 256/,
    ],
    [
      "a key of one project",
      () => weak.createProject({ slug: "x" }),
      Code.PermissionDenied,
      /project\.\*\.create_project/,
    ],
  ]);
  assert.deepEqual((await admin.listProjects({})).projects.map(({ slug }) => slug), ["blog", "shop"]);
  assert.deepEqual((await weak.listProjects({})).projects.map(({ slug }) => slug), ["blog"]);
});
