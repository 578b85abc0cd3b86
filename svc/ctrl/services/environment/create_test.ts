import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { EnvironmentService, EnvironmentType } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { refused, startApi } from "../testing.ts";

Deno.test("createEnvironment() refuses names that do not fit into host names, names in use, and a second production", async (t) => {
  await using api = await startApi();
  const [tenant, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const { projectId } = tenant;
  const environments = api.client(EnvironmentService, tenant.rootKey);
  const { key } = await api.client(AdminService, tenant.rootKey).createRootKey({
    permissions: ["project.*.read_environment"],
  });
  for (const slug of ["", "QA", "-qa", "qa-", "q.a", "q".repeat(41), "git", "git-main"]) {
    await t.step(
      `slug "${slug}"`,
      () => refused(environments.createEnvironment({ projectId, slug }), Code.InvalidArgument, /^slug /),
    );
  }
  await environments.createEnvironment({ projectId, slug: "qa" });
  const production = { projectId, slug: "prod2", type: EnvironmentType.PRODUCTION };
  const long = { projectId, slug: "long", description: "x".repeat(256) };
  await t.step(
    "a name in use",
    () =>
      refused(environments.createEnvironment({ projectId, slug: "qa" }), Code.AlreadyExists, /"qa" already/),
  );
  await t.step(
    "a second production",
    () => refused(environments.createEnvironment(production), Code.InvalidArgument, /^type .*"production"/),
  );
  await t.step(
    "a long description",
    () => refused(environments.createEnvironment(long), Code.InvalidArgument, /^description /),
  );
  await t.step("a project of another workspace", () => {
    const call = api.client(EnvironmentService, other.rootKey).createEnvironment({ projectId, slug: "x" });
    return refused(call, Code.NotFound, /Project .* was not found/);
  });
  await t.step("a key without the permission", () => {
    const call = api.client(EnvironmentService, key).createEnvironment({ projectId, slug: "x" });
    return refused(call, Code.PermissionDenied, /create_environment/);
  });
});

/** Otherwise the second one is created, and its first deploy fails. */
Deno.test("projects and environments have host names of their own, in whatever order they are created", async (t) => {
  await using api = await startApi();
  const [tenant, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const admin = api.client(AdminService, tenant.rootKey);
  const environments = api.client(EnvironmentService, tenant.rootKey);
  const { projectId } = tenant;
  await environments.createEnvironment({ projectId, slug: "eu-west" });
  const { project: long } = await admin.createProject({ slug: "shop-eu" });
  const { project: named } = await admin.createProject({ slug: "blog-staging" });
  const { project: blog } = await admin.createProject({ slug: "blog" });
  const refusals: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
    [
      "a project like an environment",
      () => admin.createProject({ slug: "shop-eu-west" }),
      /environment "eu-west" of project "shop".*Choose another slug/,
    ],
    [
      "an environment like another project's environment",
      () => environments.createEnvironment({ projectId: long?.id ?? "", slug: "west" }),
      /environment "eu-west" of project "shop"/,
    ],
    [
      "an environment like a project",
      () => environments.createEnvironment({ projectId: blog?.id ?? "", slug: "staging" }),
      /project "blog-staging"/,
    ],
    [
      "a project like the first environment of another",
      () => admin.createProject({ slug: "shop-production" }),
      /environment "production" of project "shop"/,
    ],
  ];
  for (const [name, call, says] of refusals) {
    await t.step(name, () => refused(call(), Code.FailedPrecondition, says));
  }
  await t.step("a project whose first environment is like another project", async () => {
    await admin.createProject({ slug: "wiki-preview" });
    await refused(admin.createProject({ slug: "wiki" }), Code.FailedPrecondition, /project "wiki-preview"/);
  });
  await t.step("nothing in another workspace", async () => {
    await api.client(AdminService, other.rootKey).createProject({ slug: "shop-eu-west" });
    assert.equal(named?.slug, "blog-staging");
  });
  await t.step("one of both, when they are created at once", async () => {
    const { project: docs } = await admin.createProject({ slug: "docs" });
    const made = await Promise.allSettled([
      admin.createProject({ slug: "docs-qa" }),
      environments.createEnvironment({ projectId: docs?.id ?? "", slug: "qa" }),
    ]);
    assert.equal(made.filter(({ status }) => status === "fulfilled").length, 1);
  });
});

Deno.test("a project has 50 environments at most, also when they are created at the same time", async () => {
  await using api = await startApi();
  const { projectId, rootKey } = await api.tenant("acme");
  const environments = api.client(EnvironmentService, rootKey);
  const create = (slug: string) => environments.createEnvironment({ projectId, slug });
  const made = await Promise.allSettled(Array.from({ length: 60 }, (_, index) => create(`e${index}`)));
  // Production and preview exist from the start.
  assert.equal(made.filter(({ status }) => status === "fulfilled").length, 48);
  await refused(create("one-more"), Code.FailedPrecondition, /50 environments.*unkey environments delete/);
});
