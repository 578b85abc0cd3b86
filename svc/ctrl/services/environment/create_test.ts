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
