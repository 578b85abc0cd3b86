import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { decodeAppSnapshot, settingsOf } from "../../internal/deployments/app/settings.ts";
import { eachRefused, move, startApi } from "../testing.ts";
import { setUpLife } from "../testing_lifecycle.ts";

Deno.test("settings of an environment hold for its later deployments, below those of a request", async () => {
  await using api = await startApi();
  const { projectId, rootKey } = await api.tenant("acme");
  const environments = api.client(EnvironmentService, rootKey);
  const deployments = api.client(DeploymentService, rootKey);
  const where = { projectId, environmentSlug: "production" };
  const settingsAfter = async (
    request: { app?: { port?: number; stopSeconds?: number }; redeployOf?: string },
  ) => {
    const source = request.redeployOf === undefined
      ? { ...where, source: { case: "dockerImage", value: "nginx:1" } as const }
      : {};
    const { deploymentId } = await deployments.createDeployment({ ...source, ...request });
    const row = await api.db.kysely.selectFrom("deployments").selectAll().where("id", "=", deploymentId)
      .executeTakeFirstOrThrow();
    const snapshot = decodeAppSnapshot(row.app_settings);
    assert.ok(snapshot);
    return { id: deploymentId, port: row.port, settings: settingsOf(snapshot) };
  };

  await environments.setAppSettings({ ...where, settings: { port: 3000, stopSeconds: 20 } });
  const first = await settingsAfter({ app: { port: 4000 } });
  assert.deepEqual([first.port, first.settings], [4000, { port: 4000, stopSeconds: 20 }]);

  const { settings } = await environments.setAppSettings({
    ...where,
    reset: ["stopTimeout"],
    settings: { stopSignal: "SIGQUIT", healthCheck: { path: "/x", intervalSeconds: 2 } },
  });
  assert.deepEqual([settings?.port, settings?.stopSeconds, settings?.stopSignal], [3000, 0, "SIGQUIT"]);
  const again = await settingsAfter({ redeployOf: first.id });
  assert.deepEqual(again.settings, {
    port: 4000,
    stopSignal: "SIGQUIT",
    healthCheck: { kind: "http", path: "/x", intervalSeconds: 2 },
  }, "a redeploy keeps what its deployment asked for, and takes what the environment has now");

  await environments.setAppSettings({ ...where, reset: ["*"] });
  const shown = await environments.getAppSettings(where);
  assert.deepEqual([shown.settings?.port, shown.settings?.healthCheck, shown.size?.memoryMib], [
    0,
    undefined,
    256,
  ]);
  assert.equal((await settingsAfter({})).port, 8080);
});

Deno.test("settings are shown of the environment, of its deployments, and of a plan of a switch", async () => {
  await using api = await startApi();
  const { tenant, d1, d2, client } = await setUpLife(api);
  const where = { projectId: tenant.projectId, environmentSlug: "production" };
  const set = (settings: { port?: number; stopSeconds?: number }) =>
    api.client(EnvironmentService, tenant.rootKey).setAppSettings({ ...where, settings });
  await set({ port: 3000 });
  const { environments } = await api.client(AdminService, tenant.rootKey).listEnvironments(where);
  assert.deepEqual(environments.map(({ slug, app }) => [slug, app?.port]), [
    ["preview", undefined],
    ["production", 3000],
  ]);
  const source = { case: "dockerImage", value: "nginx:1" } as const;
  const { deploymentId } = await client.createDeployment({ ...where, source, app: { stopSeconds: 20 } });
  const { deployment } = await client.getDeployment({ deploymentId });
  assert.deepEqual([deployment?.app?.port, deployment?.app?.stopSeconds], [3000, 20]);
  assert.equal((await client.getDeployment({ deploymentId: d1 })).deployment?.app, undefined);

  await move(api, deploymentId, "ready");
  const { plan } = await client.planPromote({ targetDeploymentId: deploymentId });
  assert.deepEqual([plan?.fromDeploymentId, plan?.fromSettings?.app, plan?.toSettings?.app?.port], [
    d2,
    undefined,
    3000,
  ]);
});

Deno.test("a change of settings is audited, with the names of what was set", async () => {
  await using api = await startApi();
  const { projectId, rootKey } = await api.tenant("acme");
  await api.client(EnvironmentService, rootKey).setAppSettings({
    projectId,
    environmentSlug: "production",
    reset: ["port"],
    settings: { init: false },
  });
  const [entry] = (await api.client(AdminService, rootKey).listAuditLog({ projectId })).entries;
  assert.equal(entry?.action, "environment.settings");
  assert.deepEqual(JSON.parse(entry?.factsJson ?? "{}"), { set: "init", reset: "port" });
});

Deno.test("setAppSettings refuses what is not allowed, and changes nothing", async (t) => {
  await using api = await startApi({ stopSecondsMax: 60 });
  const { projectId, rootKey } = await api.tenant("acme");
  const environments = api.client(EnvironmentService, rootKey);
  const where = { projectId, environmentSlug: "production" };
  const { InvalidArgument, NotFound } = Code;
  const set = (settings: { stopSeconds?: number; stopSignal?: string }) => () =>
    environments.setAppSettings({ ...where, settings });
  await eachRefused(t, [
    ["too long a stop", set({ stopSeconds: 61 }), InvalidArgument, /between 1 and 60/],
    ["no signal", set({ stopSignal: "9" }), InvalidArgument, /stop_signal must be one of/],
    [
      "an unknown name",
      () => environments.setAppSettings({ ...where, reset: ["prot"] }),
      InvalidArgument,
      /reset must be among port, command/,
    ],
    [
      "another environment",
      () => environments.setAppSettings({ ...where, environmentSlug: "nowhere" }),
      NotFound,
      /nowhere/,
    ],
    [
      "another project",
      () => environments.getAppSettings({ ...where, projectId: "proj_foreign" }),
      NotFound,
      /project/i,
    ],
  ]);
  const { settings } = await environments.getAppSettings(where);
  assert.deepEqual([settings?.stopSeconds, settings?.stopSignal], [0, ""]);
});
