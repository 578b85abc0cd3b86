/** The steps that move traffic, on every database: locks and statements differ between them. */
import assert from "node:assert/strict";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { execute, newWorld } from "../../../../pkg/testkit/fake_durable.ts";
import { listRoutesOfDeployment } from "../../internal/store/mod.ts";
import { seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import {
  assign,
  deliverStops,
  instanceReport,
  move,
  orThrow,
  playDeploy,
  report,
  RETENTION,
  routingDeps,
  snapshot,
} from "../testing.ts";
import { stopByUser } from "./workflow.ts";

const test = testOnCtrlDatabases();

test("deploy, deploy again, roll back, promote, stop", async (db) => {
  const seed = await seedProject(db);
  const world = newWorld();
  const deploy = async (): Promise<string> => {
    const { id } = await seedDeployment(db, seed, { git_commit_sha: "abcdef0123" });
    const onWait = (): Promise<void> => report(db, id, world.nowMs, [instanceReport()]);
    assert.equal(orThrow(await playDeploy(db, id, { world, onWait })).status, "ready");
    return id;
  };
  const actor = { kind: "system", name: "test" } as const;
  const live = async (id: string): Promise<boolean> => (await snapshot(db, id)).live;
  const routing = routingDeps(db, world);
  const key = seed.productionId;

  const d1 = await deploy();
  const d2 = await deploy();
  assert.deepEqual([await live(d1), await live(d2)], [false, true]);
  orThrow(
    await execute(
      (durable) =>
        move(durable, routing, {
          kind: "rollback",
          sourceDeploymentId: d2,
          targetDeploymentId: d1,
          cancels: false,
          actor,
        }),
      {
        key,
        world,
      },
    ),
  );
  assert.deepEqual([await live(d1), await live(d2)], [true, false]);
  orThrow(
    await execute((durable) => move(durable, routing, { kind: "promote", targetDeploymentId: d2, actor }), {
      key,
      world,
    }),
  );
  assert.deepEqual([await live(d1), await live(d2)], [false, true]);
  // The first schedule was void as soon as d1 served again; the second one counts.
  assert.deepEqual(await deliverStops(db, world, RETENTION.warmMs), ["obsolete", "stopped"]);
  const { status, topology, routes } = await snapshot(db, d1);
  assert.deepEqual({ status, topology, routes }, {
    status: "stopped",
    topology: ["local stopped"],
    routes: ["none"],
  });
});

/** Without the locks both would read the same pointer, and one switch would be lost or undone halfway. */
test("deployments that ask for traffic at once leave the newest one live", async (db) => {
  const seed = await seedProject(db);
  const world = newWorld();
  const ids: string[] = [];
  for (let count = 0; count < 5; count++) {
    const { id } = await seedDeployment(db, seed);
    await db.kysely.updateTable("deployments").set({ status: "network" }).where("id", "=", id).execute();
    ids.push(id);
  }
  const routing = routingDeps(db, world);
  // Without the routing object in front of them, which would let them in one by one.
  await Promise.all(ids.map(async (id) => {
    for (;;) {
      const done = await execute((durable) => assign(durable, routing, id), {
        key: seed.productionId,
        world: newWorld(),
      });
      if (done.result.ok) break;
      if (!isFault(done.result.error, "unavailable")) throw done.result.error;
    }
  }));
  const shots = await Promise.all(ids.map((id) => snapshot(db, id)));
  assert.deepEqual(shots.map((shot) => shot.live), [false, false, false, false, true]);
  assert.deepEqual(shots.at(-1)?.routes, ["branch", "environment", "live"]);
  assert.deepEqual(shots.map((shot) => shot.status), Array(5).fill("ready"));
});

/** A name that leads to another branch shows the wrong app. */
test("no deployment takes the host name of another branch, or of its branch in another environment", async (db) => {
  const seed = await seedProject(db);
  const world = newWorld();
  const deploy = async (git_branch: string, environment_id = seed.previewId): Promise<readonly string[]> => {
    const { id } = await seedDeployment(db, seed, { git_branch, environment_id });
    const onWait = (): Promise<void> => report(db, id, world.nowMs, [instanceReport()]);
    assert.equal(orThrow(await playDeploy(db, id, { world, onWait })).status, "ready");
    return await namesOf(id);
  };
  const namesOf = async (id: string): Promise<readonly string[]> =>
    (await listRoutesOfDeployment(db.kysely, id)).filter(({ sticky }) => sticky === "branch")
      .map(({ hostname }) => hostname);

  const names: string[] = [];
  for (const branch of ["feat-a", "feat/a", "Feat-A", "日本語", "日本"]) names.push(...await deploy(branch));
  names.push(...await deploy("feat-a", seed.productionId));
  assert.equal(new Set(names).size, 6, names.join("\n"));
  const rows = await db.kysely.selectFrom("frontline_routes").selectAll()
    .where("project_id", "=", seed.projectId).where("sticky", "=", "branch").execute();
  assert.equal(rows.length, 6, "each still leads to the first deployment of its branch");
  assert.equal(new Set(rows.map(({ deployment_id }) => deployment_id)).size, 6);
  assert.deepEqual(await deploy("feat/a"), [names[1]], "a newer one of the branch takes the same name");
});

test("a preview that names lead to is stopped when that is confirmed, and what production serves never", async (db) => {
  const seed = await seedProject(db);
  const world = newWorld();
  const routing = routingDeps(db, world);
  const actor = { kind: "system", name: "test" } as const;
  const deploy = async (environment_id: string): Promise<string> => {
    const { id } = await seedDeployment(db, seed, { git_branch: "feat-a", environment_id });
    const onWait = (): Promise<void> => report(db, id, world.nowMs, [instanceReport()]);
    assert.equal(orThrow(await playDeploy(db, id, { world, onWait })).status, "ready");
    return id;
  };
  const stop = async (key: string, deploymentId: string, confirmed?: boolean): Promise<string> => {
    const order = { deploymentId, actor, ...(confirmed === undefined ? {} : { confirmed }) };
    const { result } = await execute((durable) => stopByUser(durable, routing, order), { key, world });
    if (result.ok) return (await snapshot(db, deploymentId)).status;
    assert.ok(isFault(result.error, "failed_precondition"));
    return result.error.publicMessage ?? "";
  };

  const preview = await deploy(seed.previewId);
  assert.match(await stop(seed.previewId, preview), /"unkey stop d_\w+ --yes" ends it/);
  assert.match(await stop(seed.previewId, preview, false), /serves /);
  assert.equal(await stop(seed.previewId, preview, true), "stopped");
  assert.deepEqual((await snapshot(db, preview)).topology, ["local stopped"]);
  assert.equal(await stop(seed.previewId, preview, true), "stopped", "once more changes nothing");

  const production = await deploy(seed.productionId);
  assert.match(await stop(seed.productionId, production, true), /promote or roll back to another one/);
  assert.equal((await snapshot(db, production)).status, "ready");
});
