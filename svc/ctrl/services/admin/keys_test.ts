import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { EnvironmentService, EnvironmentType } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { refused, SERVICE_TOKEN, startApi } from "../testing.ts";

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

Deno.test("environment variables are stored as ciphertext, within limits, and never read back", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const admin = api.client(AdminService, tenant.rootKey);
  const where = { projectId: tenant.projectId, environmentSlug: "preview" };
  await admin.setEnvironmentVariables({ ...where, variables: { TOKEN: "s3cret", OTHER: "x" } });
  await admin.setEnvironmentVariables({ ...where, variables: { TOKEN: "changed" } });
  const { variables } = await admin.listEnvironmentVariables(where);
  assert.deepEqual(variables.map(({ key }) => key), ["OTHER", "TOKEN"]);
  const dump = JSON.stringify(await api.db.kysely.selectFrom("environment_variables").selectAll().execute());
  assert.doesNotMatch(dump, /s3cret|changed/);
  assert.doesNotMatch(api.lines.join("\n"), /s3cret|changed/);

  const set = (variables: Record<string, string>) => admin.setEnvironmentVariables({ ...where, variables });
  for (const bad of ["1A", "A-B", "", "A B"]) {
    await refused(set({ [bad]: "x" }), Code.InvalidArgument, /^variables must/);
  }
  await refused(set({ PORT: "1" }), Code.InvalidArgument, /must not hold PORT.*--port/);
  await refused(set({ A: "a\0b" }), Code.InvalidArgument, /NUL/);
  await refused(set({ A: "x".repeat(65_536) }), Code.OutOfRange, /64 KiB/);
  await set({ A: "x".repeat(40_000) });
  await refused(set({ B: "x".repeat(40_000) }), Code.OutOfRange, /64 KiB/);
  await set({ A: "x".repeat(60_000) });
  assert.equal((await admin.removeEnvironmentVariable({ ...where, key: "A" })).removed, true);
  assert.equal((await admin.removeEnvironmentVariable({ ...where, key: "A" })).removed, false);
  await set({ B: "x".repeat(40_000) });
  await refused(admin.listEnvironmentVariables({ ...where, environmentSlug: "qa" }), Code.NotFound, /It has/);
});

Deno.test("a root key passes on only what it has, is shown once, and knows its own workspace only", async () => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const admin = api.client(AdminService, own.rootKey);
  const permissions = ["workspace.manage_keys", "project.*.read_project"];
  const { key, keyId } = await admin.createRootKey({ name: "ci", permissions });
  assert.match(key, /^unkey_[1-9A-HJ-NP-Za-km-z]{30,}$/);
  const ci = api.client(AdminService, key);
  const who = await ci.whoAmI({});
  assert.deepEqual([who.workspaceSlug, who.keyId, who.permissions], ["acme", keyId, permissions]);
  await refused(ci.createRootKey({ permissions: ["*"] }), Code.PermissionDenied, /"\*"/);
  await refused(
    ci.createRootKey({ permissions: ["project.*.read_logs"] }),
    Code.PermissionDenied,
    /read_logs/,
  );
  await ci.createRootKey({ permissions: [`project.${own.projectId}.read_project`] });
  await refused(
    ci.createRootKey({ permissions: ["project.*.fly"] }),
    Code.InvalidArgument,
    /^permissions must/,
  );
  await refused(ci.createRootKey({ permissions: [] }), Code.InvalidArgument, /at least one/);
  const { keys } = await admin.listRootKeys({});
  assert.equal(keys.length, 3);
  assert.ok(keys.every((each) => each.start.length === 10 && !JSON.stringify(each.name).includes(key)));
  await refused(
    api.client(AdminService, other.rootKey).revokeRootKey({ keyId }),
    Code.NotFound,
    /was not found/,
  );
  const stored = JSON.stringify(await api.db.kysely.selectFrom("root_keys").selectAll().execute());
  assert.ok(!stored.includes(key), "only the hash is stored");
  await refused(
    api.client(AdminService, SERVICE_TOKEN).createRegionToken({ region: "A B" }),
    Code.InvalidArgument,
    /^region must/,
  );
});

Deno.test("the operator lists workspaces, and makes, lists and revokes keys of each, by slug or id", async () => {
  await using api = await startApi();
  const operator = api.client(AdminService, SERVICE_TOKEN);
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const slugs: string[] = [];
  let pageToken = "";
  do {
    const page = await operator.listWorkspaces({ pageSize: 1, pageToken });
    slugs.push(...page.workspaces.map(({ slug }) => slug));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  assert.deepEqual(slugs.toSorted(), ["acme", "globex"]);
  await refused(operator.listWorkspaces({ pageToken: "x" }), Code.InvalidArgument, /page_token/);

  const { keyId } = await operator.createRootKey({ workspaceId: "acme", name: "lost", permissions: ["*"] });
  const { keys } = await operator.listRootKeys({ workspaceId: own.workspaceId });
  assert.deepEqual(keys.map(({ name }) => name).toSorted(), ["", "lost"]);
  await refused(
    operator.revokeRootKey({ workspaceId: "globex", keyId }),
    Code.NotFound,
    /was not found/,
  );
  await operator.revokeRootKey({ workspaceId: "acme", keyId });
  assert.equal((await operator.listRootKeys({ workspaceId: "acme" })).keys.length, 1);
  await refused(operator.listRootKeys({}), Code.InvalidArgument, /an id or a slug/);
  await refused(operator.listRootKeys({ workspaceId: "nobody" }), Code.NotFound, /"nobody"/);
  const tenant = api.client(AdminService, own.rootKey);
  await refused(tenant.listRootKeys({ workspaceId: other.workspaceId }), Code.NotFound, /Workspace/);
  await refused(tenant.revokeRootKey({ workspaceId: other.workspaceId, keyId }), Code.NotFound, /Workspace/);
});

Deno.test("region tokens are listed without their secret, and revoked once", async () => {
  await using api = await startApi();
  const operator = api.client(AdminService, SERVICE_TOKEN);
  const { token, tokenId } = await operator.createRegionToken({ region: "near" });
  const kept = await operator.createRegionToken({ region: "*" });
  const listed = async () => (await operator.listRegionTokens({})).tokens.map(({ id }) => id).toSorted();
  assert.deepEqual(await listed(), [tokenId, kept.tokenId].toSorted());
  await operator.revokeRegionToken({ tokenId });
  assert.deepEqual(await listed(), [kept.tokenId]);
  await refused(operator.revokeRegionToken({ tokenId }), Code.NotFound, /revoked before/);
  await refused(operator.revokeRegionToken({ tokenId: "x" }), Code.InvalidArgument, /token_id must/);
  const stored = await api.db.kysely.selectFrom("region_tokens").selectAll().execute();
  assert.ok(!JSON.stringify(stored).includes(token), "only the hash is stored");
});
