/** Bounds and targets of the number of instances: the deployments that they hold for, and their way to edges and agents. */
import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { ClusterService } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { callRest } from "../../api/rest/testing.ts";
import { findDeployment, listScaled, placeScaled, setImage, stopTopology } from "../../internal/store/mod.ts";
import { clock, eachRefused, move, startApi, type TestApi } from "../testing.ts";
import { nextState, REGION, runNew, snapshotOf } from "../testing_agents.ts";
import { setLive } from "../testing_lifecycle.ts";

/** Places a deployment as the worker does, and returns its instances in the region. */
async function placed(api: TestApi, id: string): Promise<number> {
  await setImage(api.db.kysely, { id, image: "nginx:1", nowMs: clock.now() });
  await transact(api.db, async (tx) => {
    const deployment = await findDeployment(tx, id);
    assert.ok(deployment);
    const regions = [{ region: REGION, replicas: 1 }];
    await placeScaled(tx, { deployment, regions, sentinels: [], nowMs: clock.now() });
  });
  return await api.db.kysely.selectFrom("deployment_topology").select("desired_replicas")
    .where("deployment_id", "=", id).executeTakeFirstOrThrow().then((row) => row.desired_replicas);
}

Deno.test("scaling of an environment holds at once for what runs, and edge and agent learn of it", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const environments = api.client(EnvironmentService, tenant.rootKey);
  const deployments = api.client(DeploymentService, tenant.rootKey);
  const where = { projectId: tenant.projectId, environmentSlug: "production" };
  const id = await runNew(api, tenant);
  const edge = api.client(FrontlineService, await api.regionToken("*"));
  const stream = edge.watchRoutes({ edgeId: "e", versionLastSeen: 0n })[Symbol.asyncIterator]();
  const marks = (await snapshotOf(stream)).map(({ state }) =>
    state.case === "applyEndpoints" && state.value.reportsLoad
  );
  assert.ok(!marks.includes(true));
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const watch = agent.watchDeployments({ region: REGION, versionLastSeen: 0n })[Symbol.asyncIterator]();
  const usage = async (): Promise<boolean> => {
    for (;;) {
      const { state } = await nextState(watch);
      if (state.case === "apply") return state.value.reportsUsage;
    }
  };
  assert.equal(await usage(), false);

  const { settings } = await environments.setAppSettings({
    ...where,
    settings: { scaling: { max: 5, cpuPercent: 70 } },
  });
  assert.deepEqual([settings?.scaling?.min, settings?.scaling?.max], [0, 5]);
  const { state } = await nextState(stream);
  assert.ok(state.case === "applyEndpoints" && state.value.reportsLoad);
  assert.equal(await usage(), true);
  const { deployment } = await deployments.getDeployment({ deploymentId: id });
  assert.partialDeepStrictEqual(deployment?.scaledRegions, [
    { region: REGION, min: 1, max: 5, desired: 1, running: 1, changedAt: 0n },
  ]);
  await environments.setAppSettings({ ...where, settings: { scaling: { min: 2, concurrency: 9 } } });
  assert.deepEqual((await listScaled(api.db.kysely, [id])).map((row) => JSON.parse(row.settings)), [
    { min: 2, max: 5, cpuPercent: 70, concurrency: 9 },
  ]);
  await environments.setAppSettings({ ...where, reset: ["scaling"] });
  assert.deepEqual(await listScaled(api.db.kysely, [id]), []);
  assert.deepEqual((await deployments.getDeployment({ deploymentId: id })).deployment?.scaledRegions, []);
  await stream.return?.();
  await watch.return?.();
  const { entries } = await api.client(AdminService, tenant.rootKey).listAuditLog({
    action: "environment.settings",
  });
  assert.equal(
    JSON.parse(entries[1]?.factsJson ?? "").scaling,
    '{"min":2,"max":5,"cpuPercent":70,"concurrency":9}',
  );
});

Deno.test("a deployment's own scaling stays, and a new one begins with the size of the live one", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const where = { projectId: tenant.projectId, environmentSlug: "production" };
  const scaling = (max: number) => ({ scaling: { max, concurrency: 10 } });
  const create = async (own?: number): Promise<string> => {
    const { deploymentId } = await api.client(DeploymentService, tenant.rootKey).createDeployment({
      ...where,
      source: { case: "dockerImage", value: "nginx:1" },
      ...(own === undefined ? {} : { app: scaling(own) }),
    });
    return deploymentId;
  };
  const environments = api.client(EnvironmentService, tenant.rootKey);
  const own = await create(4);
  assert.equal(await placed(api, own), 1);
  await environments.setAppSettings({ ...where, settings: scaling(8) });
  const [row] = await listScaled(api.db.kysely, [own]);
  assert.deepEqual([row?.is_own, JSON.parse(row?.settings ?? "")], [1, { max: 4, concurrency: 10 }]);
  await environments.setAppSettings({ ...where, reset: ["scaling"] });
  assert.equal((await listScaled(api.db.kysely, [own])).length, 1);

  await move(api, own, "ready");
  await setLive(api, row?.environment_id ?? "", undefined, own);
  await api.db.kysely.updateTable("deployment_topology").set({ desired_replicas: 6 }).execute();
  await environments.setAppSettings({ ...where, settings: scaling(8) });
  const next = await create();
  assert.equal(await placed(api, next), 6);
  assert.equal(await placed(api, await create(3)), 3, "within its own bounds");
  await transact(api.db, (tx) => stopTopology(tx, { deploymentId: next, nowMs: clock.now() }));
  assert.deepEqual(await listScaled(api.db.kysely, [next]), []);
});

Deno.test("scaling is refused in halves, out of bounds, and of a foreign environment", async (t) => {
  await using api = await startApi({ replicasMax: 10 });
  const [tenant, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const where = { projectId: tenant.projectId, environmentSlug: "production" };
  const environments = api.client(EnvironmentService, tenant.rootKey);
  const foreign = api.client(EnvironmentService, other.rootKey);
  const set = (scaling: Record<string, number>) => () =>
    environments.setAppSettings({ ...where, settings: { scaling } });
  const invalid = Code.InvalidArgument;
  await eachRefused(t, [
    ["no maximum", set({ concurrency: 5 }), invalid, /scaling\.max must be set/],
    ["no target", set({ max: 5 }), invalid, /scaling must have a target/],
    [
      "a minimum above the maximum",
      set({ min: 6, max: 5, concurrency: 1 }),
      invalid,
      /at most the maximum, 5/,
    ],
    ["more than the operator allows", set({ max: 11, concurrency: 1 }), invalid, /between 1 and 10/],
    ["more than all of the CPU", set({ max: 5, cpuPercent: 101 }), invalid, /cpu_percent.*1 and 100/],
    ["a short time", set({ max: 5, concurrency: 1, downSeconds: 9 }), invalid, /down_seconds.*10 and 3600/],
    [
      "another workspace",
      () => foreign.setAppSettings({ ...where, settings: { scaling: { max: 2, concurrency: 1 } } }),
      Code.NotFound,
      /was not found/,
    ],
  ]);
  const body = { ...where, settings: { scaling: { max: 3, concurrency: 7 } } };
  const { status, data } = await callRest(api.url, "setAppSettings", body, tenant.rootKey);
  assert.equal(status, 200);
  assert.partialDeepStrictEqual(data, { settings: { scaling: { max: 3, concurrency: 7 } } });
});
