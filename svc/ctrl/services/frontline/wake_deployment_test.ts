/** The setting, the marks that edges and agents get, the wake, and the views of a deployment that sleeps. */
import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { ClusterService } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { callRest } from "../../api/rest/testing.ts";
import { listAgents, listSleeps, putToSleep } from "../../internal/store/mod.ts";
import { clock, move, refused, startApi } from "../testing.ts";
import { nextState, REGION, route, runNew, snapshotOf } from "../testing_agents.ts";
import { wakeDeployment } from "./wake_deployment.ts";

const HOST = "preview.shop.test";

Deno.test("a deployment that sleeps is wanted by no agent, wakes by a call of an edge, and is shown", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const id = await runNew(api, tenant, { environment: "preview" });
  await move(api, id, "ready");
  await route(api, tenant, HOST, id);
  const environments = api.client(EnvironmentService, tenant.rootKey);
  const where = { projectId: tenant.projectId, environmentSlug: "preview" };
  const { settings } = await environments.setAppSettings({ ...where, settings: { sleepSeconds: 600 } });
  assert.equal(settings?.sleepSeconds, 600);
  assert.equal((await listSleeps(api.db.kysely, [id]))[0]?.after_seconds, 600);

  const edge = api.client(FrontlineService, await api.regionToken("*"));
  const stream = edge.watchRoutes({ edgeId: "e", knowsSleep: true })[Symbol.asyncIterator]();
  const routes = (await snapshotOf(stream)).flatMap(({ state }) =>
    state.case === "applyRoute" ? [[state.value.hostname, state.value.wakes]] : []
  );
  assert.deepEqual(routes, [[HOST, true]]);
  await stream.return?.();
  assert.deepEqual((await listAgents(api.db.kysely, { sinceMs: 0 })).map((row) => row.feed_revision), [2]);

  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const watch = agent.watchDeployments({ region: REGION, versionLastSeen: 0n })[Symbol.asyncIterator]();
  const replicas = async (): Promise<number> => {
    for (;;) {
      const { state } = await nextState(watch);
      if (state.case === "apply") return state.value.replicas;
    }
  };
  assert.equal(await replicas(), 1);
  assert.deepEqual(await edge.wakeDeployment({ deploymentId: id }).then(({ waking }) => waking), false);
  const change = { deploymentId: id, nowMs: clock.now(), message: "No request." };
  await transact(api.db, (tx) => putToSleep(tx, change));
  assert.equal(await replicas(), 0);
  const deployments = api.client(DeploymentService, tenant.rootKey);
  const shown = (await deployments.getDeployment({ deploymentId: id })).deployment;
  assert.deepEqual([shown?.asleepSince, shown?.waking, shown?.desiredInstances], [
    BigInt(change.nowMs),
    false,
    0,
  ]);
  const { data } = await callRest(api.url, "getDeployment", { deploymentId: id }, tenant.rootKey);
  assert.partialDeepStrictEqual(data, { asleep: { since: change.nowMs, waking: false } });

  for (let times = 0; times < 2; times++) {
    assert.deepEqual((await edge.wakeDeployment({ deploymentId: id })).waking, true);
  }
  assert.equal(await replicas(), 1);
  await watch.return?.();
  await environments.setAppSettings({ ...where, settings: { sleepSeconds: -1 } });
  assert.deepEqual(await listSleeps(api.db.kysely, [id]), []);
});

Deno.test("a sentinel wakes deployments of its own environment only", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const id = await runNew(api, tenant, { environment: "preview" });
  const environments = api.client(EnvironmentService, tenant.rootKey);
  const where = { projectId: tenant.projectId, environmentSlug: "preview" };
  await environments.setAppSettings({ ...where, settings: { sleepSeconds: 600 } });
  const [row] = await listSleeps(api.db.kysely, [id]);
  assert.ok(row);
  const deps = { db: api.db, clock, notifier: { changed: () => undefined } };
  const own = { environmentId: row.environment_id };
  assert.equal(await wakeDeployment(deps, own, { deploymentId: id }), false);
  const other = { environmentId: newId("environment", clock.now()) };
  await assert.rejects(wakeDeployment(deps, other, { deploymentId: id }), /could sleep/);
});

Deno.test("times that nothing can sleep after are refused, and ids that are none", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const environments = api.client(EnvironmentService, tenant.rootKey);
  const where = { projectId: tenant.projectId, environmentSlug: "preview" };
  for (const sleepSeconds of [1, 59, -2, 2_592_001]) {
    const setting = environments.setAppSettings({ ...where, settings: { sleepSeconds } });
    await refused(setting, Code.InvalidArgument, /sleep_seconds/);
  }
  const edge = api.client(FrontlineService, await api.regionToken("*"));
  await refused(edge.wakeDeployment({ deploymentId: "x" }), Code.InvalidArgument, /deployment_id/);
  const unknown = await edge.wakeDeployment({ deploymentId: newId("deployment", clock.now()) });
  assert.equal(unknown.waking, false);
});
