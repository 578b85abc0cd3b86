/** Each switch leaves one row, in the transaction that moves the traffic. */
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { execute, newWorld } from "../../../../pkg/testkit/fake_durable.ts";
import { EDGE_REGION, findRegionVersion, recordAgents } from "../../internal/store/mod.ts";
import { seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { instanceReport, move, orThrow, playDeploy, report, routingDeps } from "../testing.ts";
import { createRoutingSteps } from "./steps.ts";

const test = testOnCtrlDatabases();
const actor = { kind: "system", name: "test" } as const;

test("a deploy, a rollback and a promote leave a switch each; an accepted rollback moves nothing", async (db) => {
  const seed = await seedProject(db);
  const world = newWorld();
  const key = seed.productionId;
  const agentId = `*:${key}`;
  const alive = () =>
    transact(db, (tx) =>
      recordAgents(tx, [{
        agentId,
        region: EDGE_REGION,
        progress: { appliedVersion: 0, observedVersion: 0, edgeRegion: "eu" },
        nowMs: world.nowMs,
      }]));
  const deploy = async (): Promise<string> => {
    const { id } = await seedDeployment(db, seed);
    const onWait = (): Promise<void> => report(db, id, world.nowMs, [instanceReport()]);
    assert.equal(orThrow(await playDeploy(db, id, { world, onWait })).status, "ready");
    return id;
  };
  const d1 = await deploy();
  await alive();
  const d2 = await deploy();
  const routing = routingDeps(db, world);
  const act = async (order: Parameters<typeof move>[2]) =>
    orThrow(await execute((durable) => move(durable, routing, order), { key, world }));
  await act({ kind: "rollback", sourceDeploymentId: d2, targetDeploymentId: d1, cancels: false, actor });
  await act({ kind: "promote", targetDeploymentId: d1, actor });
  await act({ kind: "promote", targetDeploymentId: d2, actor });
  const rows = await db.kysely.selectFrom("traffic_switches").selectAll().where("environment_id", "=", key)
    .orderBy("edge_version").execute();
  assert.deepEqual(rows.map((each) => [each.cause, each.previous_deployment_id, each.deployment_id]), [
    ["deploy", null, d1],
    ["deploy", d1, d2],
    ["rollback", d2, d1],
    ["promote", d1, d2],
  ]);
  assert.deepEqual(rows.map(({ superseded_at }) => superseded_at !== null), [true, true, true, false]);
  const edges = await db.kysely.selectFrom("traffic_switch_edges").select("region")
    .where("switch_id", "in", rows.map(({ id }) => id)).where("agent_id", "=", agentId).execute();
  assert.deepEqual(edges, Array(3).fill({ region: "eu" }), "it was alive at all but the first");
});

/** A worker that ends between the commit and Restate's note of the step runs the step again. */
test("a step that runs again after its commit leaves no second switch", async (db) => {
  const seed = await seedProject(db);
  const world = newWorld();
  const { id } = await seedDeployment(db, seed);
  await db.kysely.updateTable("deployments").set({ status: "network" }).where("id", "=", id).execute();
  const steps = createRoutingSteps({
    db,
    clock: { now: () => world.nowMs, sleep: () => Promise.reject(new Error("no step sleeps")) },
    changes: { changed: () => undefined },
    apex: "localhost",
    edgeUrl: "http://localhost:7070",
    edgeTimeoutMs: 30_000,
    graceMs: 30_000,
  });
  const before = await steps.readPointer(seed.productionId);
  const first = await steps.assign(seed.productionId, id, before);
  const version = await findRegionVersion(db.kysely, EDGE_REGION);
  assert.deepEqual(await steps.assign(seed.productionId, id, before), first);
  const rows = await db.kysely.selectFrom("traffic_switches").select("edge_version")
    .where("environment_id", "=", seed.productionId).execute();
  assert.equal(rows.length, 1);
  assert.ok((rows[0]?.edge_version ?? Infinity) <= version);
});
