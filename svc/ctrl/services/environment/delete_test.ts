import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { type CtrlDatabase, EDGE_REGION, listRegionVersions } from "../../internal/store/mod.ts";
import { deployImage, move, place, refused, startApi, type Tenant, type TestApi } from "../testing.ts";

const test = testOnCtrlDatabases();
const REGION = "local.dev";

async function startWithQa(db?: CtrlDatabase) {
  const api = await startApi({}, db);
  const tenant = await api.tenant(db === undefined ? "acme" : newDnsName(10));
  const environments = api.client(EnvironmentService, tenant.rootKey);
  const admin = api.client(AdminService, tenant.rootKey);
  const where = { projectId: tenant.projectId, slug: "qa" };
  const { id } = await environments.createEnvironment({ ...where, description: "for QA" });
  const slugs = async () =>
    (await admin.listEnvironments({ projectId: tenant.projectId })).environments.map(({ slug }) => slug);
  return { api, tenant, environments, admin, where, id, slugs };
}

/** Makes the deployment run and gives it the environment's traffic, as the worker would. */
async function serve(api: TestApi, tenant: Tenant, environmentId: string, id: string): Promise<void> {
  await place(api, tenant, id, REGION);
  await move(api, id, "ready");
  await api.db.kysely.updateTable("environments").set({ live_deployment_id: id }).where(
    "id",
    "=",
    environmentId,
  )
    .execute();
  await api.db.kysely.insertInto("frontline_routes").values({
    id: "ir_qa",
    workspace_id: tenant.workspaceId,
    project_id: tenant.projectId,
    environment_id: environmentId,
    deployment_id: id,
    hostname: "shop-qa-acme.localhost",
    sticky: "environment",
    created_at: 1,
    updated_at: 1,
  }).execute();
}

Deno.test("an environment with running deployments is deleted with `stop` only, with its routes and variables", async () => {
  const { api, tenant, environments, admin, where, id, slugs } = await startWithQa();
  await using _api = api;
  const deployment = await deployImage(api, tenant, "qa");
  const running = new RegExp(`deployed to: ${deployment} \\(pending\\).*unkey cancel`);
  await refused(environments.deleteEnvironment({ ...where, stop: true }), Code.FailedPrecondition, running);
  await serve(api, tenant, id, deployment);
  await admin.setEnvironmentVariables({
    projectId: tenant.projectId,
    environmentSlug: "qa",
    variables: { TOKEN: "x" },
  });
  const still = new RegExp(`still runs ${deployment} \\(ready\\).*--stop`);
  await refused(environments.deleteEnvironment(where), Code.FailedPrecondition, still);
  assert.deepEqual(await slugs(), ["preview", "production", "qa"]);

  const before = await listRegionVersions(api.db.kysely);
  const { stoppedDeploymentIds } = await environments.deleteEnvironment({ ...where, stop: true });
  assert.deepEqual(stoppedDeploymentIds, [deployment]);
  assert.deepEqual(await slugs(), ["preview", "production"]);
  const { db } = api;
  assert.deepEqual(await db.kysely.selectFrom("frontline_routes").selectAll().execute(), []);
  assert.deepEqual(await db.kysely.selectFrom("environment_variables").selectAll().execute(), []);
  const [topology] = await db.kysely.selectFrom("deployment_topology").selectAll().execute();
  assert.equal(topology?.desired_status, "stopped");
  const after = await listRegionVersions(db.kysely);
  for (const region of [REGION, EDGE_REGION]) {
    assert.equal(after.get(region), (before.get(region) ?? 0) + 1, `one change for ${region}`);
  }
  const { entries } = await admin.listAuditLog({ deploymentId: deployment });
  assert.equal(entries[0]?.action, "deployment.stop");
});

Deno.test("deployments of a deleted environment stay as history, and its name is free again", async () => {
  const { api, tenant, environments, where, id, slugs } = await startWithQa();
  await using _api = api;
  const deployments = api.client(DeploymentService, tenant.rootKey);
  const deployment = await deployImage(api, tenant, "qa");
  await serve(api, tenant, id, deployment);
  await environments.deleteEnvironment({ ...where, stop: true });
  const shown = (await deployments.getDeployment({ deploymentId: deployment })).deployment;
  assert.deepEqual([shown?.environmentSlug, shown?.live, shown?.urls], ["qa", false, []]);
  await refused(deployImage(api, tenant, "qa"), Code.NotFound, /It has: preview, production/);
  await refused(environments.deleteEnvironment(where), Code.NotFound, /"qa" was not found/);
  await refused(
    deployments.createDeployment({ redeployOf: deployment }),
    Code.NotFound,
    /"qa" was not found/,
  );
  const switches = [
    deployments.promote({ targetDeploymentId: deployment }),
    deployments.planRollback({ targetDeploymentId: deployment }),
  ];
  for (const each of switches) await refused(each, Code.FailedPrecondition, /environment was deleted/);
  await environments.createEnvironment(where);
  assert.deepEqual(await slugs(), ["preview", "production", "qa"]);
  await deployImage(api, tenant, "qa");
});

test("a create that races with the delete of its environment comes first or is refused", async (db) => {
  const { api, tenant, environments, where, slugs } = await startWithQa(db);
  await using _api = api;
  const outcomes = await Promise.allSettled([
    environments.deleteEnvironment(where),
    ...Array.from({ length: 8 }, () => deployImage(api, tenant, "qa")),
  ]);
  const [deleted, ...created] = outcomes.map(({ status }) => status === "fulfilled");
  assert.equal(created.includes(true), !deleted, "never both, and never neither");
  assert.equal((await slugs()).includes("qa"), !deleted);
});

Deno.test("deleteEnvironment() refuses the two that every project has, other workspaces' and weak keys", async (t) => {
  const { api, tenant, environments, where } = await startWithQa();
  await using _api = api;
  for (const slug of ["production", "preview"]) {
    await t.step(
      slug,
      () =>
        refused(environments.deleteEnvironment({ ...where, slug }), Code.FailedPrecondition, /Every project/),
    );
  }
  await t.step("another workspace's", async () => {
    const other = await api.tenant("globex");
    const call = api.client(EnvironmentService, other.rootKey).deleteEnvironment(where);
    await refused(call, Code.NotFound, /Project .* was not found/);
  });
  await t.step("a key without the permission", async () => {
    const { key } = await api.client(AdminService, tenant.rootKey).createRootKey({
      permissions: ["project.*.read_environment"],
    });
    const call = api.client(EnvironmentService, key).deleteEnvironment(where);
    await refused(call, Code.PermissionDenied, /delete_environment/);
  });
});
