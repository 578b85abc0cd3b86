import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { sql } from "kysely";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import type { Schema } from "../../internal/store/mod.ts";
import {
  deployImage,
  eachRefused,
  failure,
  refused,
  SERVICE_TOKEN,
  startApi,
  type TestApi,
} from "../testing.ts";

/** Every table that an act may write to: an act that writes to another table adds it here. */
const WRITTEN: readonly (keyof Schema)[] = [
  "workspaces",
  "projects",
  "environments",
  "environment_variables",
  "protections",
  "root_keys",
  "registry_credentials",
  "region_tokens",
  "deployments",
  "deployment_events",
  "audit_log",
];

async function dump(api: TestApi): Promise<string> {
  const rows = await Promise.all(
    WRITTEN.map((table) => api.db.kysely.selectFrom(table).selectAll().execute()),
  );
  return JSON.stringify(rows);
}

/** Every act that is recorded, in an order in which each of them can happen. */
async function acts(api: TestApi) {
  const tenant = await api.tenant("acme");
  const operator = api.client(AdminService, SERVICE_TOKEN);
  const admin = api.client(AdminService, tenant.rootKey);
  const where = { projectId: tenant.projectId, environmentSlug: "preview" };
  const running = await deployImage(api, tenant);
  const { keyId } = await admin.createRootKey({ name: "old", permissions: ["*"] });
  const { tokenId } = await operator.createRegionToken({ region: "near" });
  await admin.setEnvironmentVariables({ ...where, variables: { OLD: "s3cret" } });
  const deployments = api.client(DeploymentService, tenant.rootKey);
  const environments = api.client(EnvironmentService, tenant.rootKey);
  await environments.createEnvironment({ ...where, slug: "old" });
  await admin.addRegistry({ host: "old.example.com", username: "ci", secret: "s3cret" });
  const protect = (change: { case: "password"; value: string } | { case: "off"; value: true }) =>
    environments.setProtection({ ...where, change });
  return {
    tenant,
    running,
    calls: {
      "workspace.create": () => operator.createWorkspace({ slug: "globex" }),
      "region_token.create": () => operator.createRegionToken({ region: "far" }),
      "region_token.revoke": () => operator.revokeRegionToken({ tokenId }),
      "project.create": () => admin.createProject({ slug: "blog" }),
      "environment.create": () => environments.createEnvironment({ ...where, slug: "qa" }),
      "environment.delete": () => environments.deleteEnvironment({ ...where, slug: "old" }),
      "environment.apply": () =>
        environments.applyEnvironment({ ...where, wanted: { variables: { TOKEN: "s3cret" } } }),
      "environment.protect": () => protect({ case: "password", value: "s3cret-s3cret" }),
      "environment.unprotect": () => protect({ case: "off", value: true }),
      "variables.set": () => admin.setEnvironmentVariables({ ...where, variables: { TOKEN: "s3cret" } }),
      "variables.remove": () => admin.removeEnvironmentVariable({ ...where, key: "OLD" }),
      "root_key.create": () => admin.createRootKey({ name: "ci", permissions: ["project.*.read_logs"] }),
      "root_key.revoke": () => admin.revokeRootKey({ keyId }),
      "registry.add": () => admin.addRegistry({ host: "ghcr.io", username: "ci", secret: "s3cret" }),
      "registry.remove": () => admin.removeRegistry({ host: "old.example.com" }),
      "deployment.redeploy": () => deployments.createDeployment({ redeployOf: running }),
      "deployment.create": () => deployImage(api, tenant),
      "deployment.cancel": () => deployments.cancelDeployment({ deploymentId: running }),
    },
  };
}

Deno.test("every act is recorded with its actor, and no entry holds a secret", async () => {
  await using api = await startApi();
  const { tenant, running, calls } = await acts(api);
  const admin = api.client(AdminService, tenant.rootKey);
  const operator = api.client(AdminService, SERVICE_TOKEN);
  for (const [action, call] of Object.entries(calls)) {
    const count = async (): Promise<number> =>
      Number(
        (await api.db.kysely.selectFrom("audit_log").select((eb) => eb.fn.countAll().as("n"))
          .where("action", "=", action as never).executeTakeFirst())?.n,
      );
    const before = await count();
    await call();
    assert.equal(await count(), before + 1, action);
  }
  const { entries } = await admin.listAuditLog({ deploymentId: running });
  assert.deepEqual(entries.map(({ action, actorKind }) => [action, actorKind]), [
    ["deployment.cancel", "root_key"],
    ["deployment.create", "root_key"],
  ]);
  assert.equal(entries[0]?.actorId, (await admin.whoAmI({})).keyId);
  assert.deepEqual(JSON.parse(entries[1]?.factsJson ?? ""), { image: "nginx:1.29", branch: "" });
  const [set] = (await admin.listAuditLog({ projectId: tenant.projectId, action: "variables.set" })).entries;
  assert.deepEqual(JSON.parse(set?.factsJson ?? ""), { names: ["TOKEN"] });
  const [token] = (await operator.listAuditLog({})).entries;
  assert.deepEqual([token?.action, token?.actorKind], ["region_token.revoke", "service"]);
  assert.doesNotMatch(
    JSON.stringify(await api.db.kysely.selectFrom("audit_log").selectAll().execute()),
    /s3cret/,
  );
});

Deno.test("an act that cannot be recorded does not happen", async (t) => {
  await using api = await startApi();
  const { tenant, calls } = await acts(api);
  await sql`create trigger audit_fails before insert on audit_log
    begin select raise(abort, 'the audit log is full'); end`.execute(api.db.kysely);
  const before = await dump(api);
  for (const [action, call] of Object.entries(calls)) {
    await t.step(action, async () => {
      const error = await failure(call());
      assert.equal(error.code, Code.Internal);
      assert.doesNotMatch(error.rawMessage, /audit|trigger|full/);
      assert.equal(await dump(api), before);
    });
  }
  await sql`drop trigger audit_fails`.execute(api.db.kysely);
  await deployImage(api, tenant);
  assert.notEqual(await dump(api), before);
});

Deno.test("an act that changed nothing is not recorded", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const admin = api.client(AdminService, tenant.rootKey);
  const deployments = api.client(DeploymentService, tenant.rootKey);
  const request = {
    projectId: tenant.projectId,
    environmentSlug: "production",
    source: { case: "dockerImage", value: "nginx:1.29" },
    idempotencyKey: "once",
  } as const;
  const { deploymentId } = await deployments.createDeployment(request);
  await deployments.createDeployment(request);
  await deployments.cancelDeployment({ deploymentId });
  await deployments.cancelDeployment({ deploymentId });
  await admin.removeEnvironmentVariable({
    projectId: tenant.projectId,
    environmentSlug: "preview",
    key: "NONE",
  });
  await admin.removeRegistry({ host: "ghcr.io" });
  assert.deepEqual((await admin.listAuditLog({ action: "registry.remove" })).entries, []);
  const { entries } = await admin.listAuditLog({ projectId: tenant.projectId });
  assert.deepEqual(entries.map(({ action }) => action), [
    "deployment.cancel",
    "deployment.create",
    "project.create",
  ]);
});

Deno.test("the audit log is read in pages, by its own workspace, with the permission", async () => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const admin = api.client(AdminService, own.rootKey);
  for (let count = 0; count < 5; count++) await deployImage(api, own);
  const ids: string[] = [];
  for (let pageToken = "", first = true; first || pageToken !== ""; first = false) {
    const page = await admin.listAuditLog({ action: "deployment.create", pageSize: 2, pageToken });
    assert.ok(page.entries.length <= 2);
    ids.push(...page.entries.map(({ id }) => id));
    pageToken = page.nextPageToken;
  }
  assert.equal(new Set(ids).size, 5);
  const foreign = await api.client(AdminService, other.rootKey).listAuditLog({ projectId: own.projectId });
  assert.deepEqual(foreign.entries, []);
  await refused(admin.listAuditLog({ pageToken: "x" }), Code.InvalidArgument, /page_token/);
  await refused(admin.listAuditLog({ workspaceId: other.workspaceId }), Code.NotFound, /Workspace/);
  const { key } = await admin.createRootKey({ permissions: ["project.*.read_deployment"] });
  await refused(api.client(AdminService, key).listAuditLog({}), Code.PermissionDenied, /read_audit_log/);
});

Deno.test("listAuditLog() refuses malformed filters, and shows the service token the entries of no workspace", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const admin = api.client(AdminService, tenant.rootKey);
  const operator = api.client(AdminService, SERVICE_TOKEN);
  await operator.createRegionToken({ region: "near" });
  await eachRefused(t, [
    [
      "a project",
      () => admin.listAuditLog({ projectId: "x" }),
      Code.InvalidArgument,
      /^project_id must look like/,
    ],
    [
      "a deployment",
      () => admin.listAuditLog({ deploymentId: "x" }),
      Code.InvalidArgument,
      /^deployment_id must look like/,
    ],
    [
      "an action",
      () => admin.listAuditLog({ action: "x".repeat(65) }),
      Code.InvalidArgument,
      /^action must have/,
    ],
    ["a page size", () => admin.listAuditLog({ pageSize: -1 }), Code.InvalidArgument, /^page_size/],
  ]);
  const actions = async (workspaceId: string) =>
    new Set((await operator.listAuditLog({ workspaceId })).entries.map(({ action }) => action));
  assert.deepEqual(await actions(""), new Set(["region_token.create"]));
  assert.deepEqual(await actions("acme"), new Set(["workspace.create", "project.create", "root_key.create"]));
});
