import assert from "node:assert/strict";
import { type FaultCode, isFault } from "../../../../pkg/fault/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { FAULT_KINDS, type Injected } from "../../../../pkg/testkit/fake_durable.ts";
import { deliverStops, memoryDatabase, orThrow, RETENTION, snapshot } from "../testing.ts";
import { findRegionVersion, recordAgents } from "../../internal/store/mod.ts";
import { back, onStage, Stage, to } from "../testing_environment.ts";
import type { MoveOrder } from "./move_step.ts";

const allTo = (id: string): Record<string, string> => ({ branch: id, environment: id, live: id });

Deno.test("the newest deployment takes all names, and the one before stays warm", () =>
  onStage(async (stage) => {
    await stage.deployNew();
    await stage.deployNew();
    assert.deepEqual(await stage.picture(), {
      live: "d2",
      rolledBack: false,
      routes: allTo("d2"),
      commits: ["d1", "d2"],
      statuses: "ready ready",
      started: ["d1", "d2"],
      starts: [],
      stops: [`d1 in ${RETENTION.warmMs}`],
    });
    await stage.deployNew();
    const { stops } = await stage.picture();
    // Only one stays warm: d1 goes after the grace time, and its first schedule finds another id.
    const { warmMs, graceMs } = RETENTION;
    assert.deepEqual(stops, [`d1 in ${warmMs}`, `d2 in ${warmMs}`, `d1 in ${graceMs}`]);
    assert.deepEqual(await deliverStops(stage.db, stage.world, graceMs), ["stopped"]);
    assert.equal((await stage.picture())["statuses"], "stopped ready ready");
    const acts = await stage.db.kysely.selectFrom("audit_log").select([
      "actor_kind",
      "actor_name",
      "action",
      "resource_id",
    ]).execute();
    assert.deepEqual(acts, [{
      actor_kind: "system",
      actor_name: "retention",
      action: "deployment.stop",
      resource_id: stage.ids[0],
    }]);
    assert.deepEqual(await deliverStops(stage.db, stage.world, warmMs), ["obsolete", "stopped"]);
    assert.equal((await stage.picture())["statuses"], "stopped stopped ready");
  }));

/** Otherwise a slow build of an old commit would replace what was deployed after it. */
Deno.test("an older deployment that finishes later takes only its own name", () =>
  onStage(async (stage) => {
    const older = await stage.create();
    await stage.deployNew();
    assert.equal(await stage.deploy(older), "ready");
    const { live, routes, commits } = await stage.picture();
    assert.deepEqual({ live, routes, commits }, { live: "d2", routes: allTo("d2"), commits: ["d1", "d2"] });
  }));

Deno.test("rollback moves all of the environment's names, pointer and flag; a new deploy waits for promote", () =>
  onStage(async (stage) => {
    const d1 = await stage.deployNew();
    const d2 = await stage.deployNew();
    const moved = orThrow(await stage.move({ kind: "rollback", ...back(d2, d1) }));
    assert.equal(moved.previousDeploymentId, d2);
    const { live, rolledBack, routes } = await stage.picture();
    assert.deepEqual({ live, rolledBack, routes }, {
      live: "d1",
      rolledBack: true,
      routes: { branch: "d2", environment: "d1", live: "d1" },
    });
    const d3 = await stage.deployNew();
    const meanwhile = await stage.picture();
    assert.equal(meanwhile["live"], "d1");
    assert.equal(meanwhile["rolledBack"], true);
    assert.deepEqual(meanwhile["routes"], { branch: "d3", environment: "d1", live: "d1" });
    orThrow(await stage.move({ kind: "promote", ...to(d3) }));
    const after = await stage.picture();
    assert.deepEqual([after["live"], after["rolledBack"], after["routes"]], ["d3", false, allTo("d3")]);
  }));

/** A schedule from before the rollback would otherwise stop the deployment that serves, or one that was kept warm anew. */
Deno.test("a stop that was scheduled before its deployment served again does nothing", () =>
  onStage(async (stage) => {
    const d1 = await stage.deployNew();
    const d2 = await stage.deployNew();
    orThrow(await stage.move({ kind: "rollback", ...back(d2, d1) }));
    // d2 still has its branch's name, so nothing was scheduled for it.
    assert.deepEqual((await stage.picture())["stops"], [`d1 in ${RETENTION.warmMs}`]);
    assert.deepEqual(await deliverStops(stage.db, stage.world, RETENTION.warmMs), ["obsolete"]);
    assert.equal((await stage.picture())["statuses"], "ready ready");

    orThrow(await stage.move({ kind: "promote", ...to(d2) }));
    assert.deepEqual(await deliverStops(stage.db, stage.world, RETENTION.warmMs), ["stopped"]);
    assert.equal((await stage.picture())["statuses"], "stopped ready");
  }));

/** An edge that is behind still sends requests to the deployment that has lost its traffic. */
Deno.test("a stop waits for edges that are alive and behind, but not for ever", async (t) => {
  const edge = (stage: Stage, progress: number, nowMs = stage.world.nowMs): Promise<void> =>
    transact(stage.db, (tx) =>
      recordAgents(tx, [{
        agentId: "*:edge",
        region: "*",
        progress: { appliedVersion: progress, observedVersion: progress },
        nowMs,
      }]));
  const { warmMs, edgesMs } = RETENTION;
  const retired = async (stage: Stage): Promise<void> => {
    await stage.deployNew();
    await stage.deployNew();
    stage.world.nowMs += warmMs;
  };
  await t.step("until it has acknowledged the switch", () =>
    onStage(async (stage) => {
      await retired(stage);
      await edge(stage, 1);
      assert.deepEqual(await deliverStops(stage.db, stage.world, warmMs), ["waiting"]);
      assert.deepEqual(await deliverStops(stage.db, stage.world, warmMs), ["waiting"]);
      assert.equal((await stage.picture())["statuses"], "ready ready");
      await edge(stage, await findRegionVersion(stage.db.kysely, "*"));
      assert.deepEqual(await deliverStops(stage.db, stage.world, warmMs), ["stopped"]);
    }));
  await t.step("unless it is dead", () =>
    onStage(async (stage) => {
      await retired(stage);
      await edge(stage, 1, stage.world.nowMs - 60_000);
      assert.deepEqual(await deliverStops(stage.db, stage.world, warmMs), ["stopped"]);
    }));
  await t.step("or has not caught up for too long", () =>
    onStage(async (stage) => {
      await retired(stage);
      // The deploys themselves took a while.
      stage.world.nowMs += 2 * edgesMs;
      await edge(stage, 1);
      assert.deepEqual(await deliverStops(stage.db, stage.world, warmMs), ["stopped"]);
    }));
});

Deno.test("promote and rollback refuse what the gates refuse", async (t) => {
  const db = await memoryDatabase();
  const stage = await Stage.make(db);
  const d1 = await stage.deployNew();
  const d2 = await stage.deployNew();
  const pending = await stage.create();
  const elsewhere = await Stage.make(db);
  const foreign = await elsewhere.deployNew();
  const table: readonly [string, MoveOrder, FaultCode, RegExp][] = [
    ["one that is live", { kind: "promote", ...to(d2) }, "failed_precondition", /is live already/],
    ["one that is not ready", { kind: "promote", ...to(pending) }, "failed_precondition", /is pending/],
    ["another environment's", { kind: "promote", ...to(foreign) }, "invalid_argument", /another environment/],
    [
      "from one that is not live",
      { kind: "rollback", ...back(d1, d2) },
      "failed_precondition",
      /not the live one/,
    ],
    ["to itself", { kind: "rollback", ...back(d2, d2) }, "invalid_argument", /same deployment/],
  ];
  const before = await stage.picture();
  for (const [name, order, code, text] of table) {
    await t.step(name, async () => {
      const { result } = await stage.move(order);
      assert.ok(!result.ok);
      assert.ok(isFault(result.error, code), String(result.error));
      assert.match(result.error.publicMessage ?? "", text);
      assert.deepEqual(await stage.picture(), before);
    });
  }
  await db.close();
});

/** Slugs joined by hyphens are ambiguous; taking the name over would hand one tenant's visitors to another. */
Deno.test("a host name of another workspace is refused, and the deployment is undone", () =>
  onStage(async (stage) => {
    const id = await stage.create();
    await stage.deployNew();
    const taken = await stage.db.kysely.selectFrom("frontline_routes").selectAll()
      .where("sticky", "=", "live").executeTakeFirstOrThrow();
    await stage.db.kysely.updateTable("frontline_routes")
      .set({ workspace_id: "ws_other", project_id: "proj_other", environment_id: "env_other" })
      .where("id", "=", taken.id).execute();
    await stage.db.kysely.updateTable("environments").set({ live_deployment_id: null })
      .where("id", "=", stage.seed.productionId).execute();
    assert.equal(await stage.deploy(id), "failed");
    const { failure, topology, routes } = await snapshot(stage.db, id);
    assert.deepEqual({ failure, topology, routes }, {
      failure: "host_taken",
      topology: ["local stopped"],
      routes: [],
    });
    const row = await stage.db.kysely.selectFrom("deployments").select("error_message").where("id", "=", id)
      .executeTakeFirstOrThrow();
    assert.ok(row.error_message?.includes(taken.hostname));
  }));

/** Routes, pointer, flag, status and schedules must be those of an unbroken run, wherever the process dies. */
Deno.test("moving traffic ends the same wherever it breaks", async (t) => {
  const db = await memoryDatabase();
  let cases = 0;
  type Result = { readonly names: readonly string[]; readonly result: { readonly ok: boolean } };
  const acts: readonly { name: string; act: (fault?: Injected) => Promise<{ stage: Stage; run: Result }> }[] =
    [
      {
        name: "assign",
        act: async (fault) => {
          const stage = await Stage.make(db);
          await stage.deployNew();
          return { run: await stage.assign(await stage.almostReady(), fault), stage };
        },
      },
      {
        name: "rollback",
        act: async (fault) => {
          const stage = await Stage.make(db);
          const d1 = await stage.deployNew();
          const d2 = await stage.deployNew();
          return { run: await stage.move({ kind: "rollback", ...back(d2, d1) }, fault), stage };
        },
      },
      {
        name: "promote",
        act: async (fault) => {
          const stage = await Stage.make(db);
          const d1 = await stage.deployNew();
          const d2 = await stage.deployNew();
          orThrow(await stage.move({ kind: "rollback", ...back(d2, d1) }));
          return { run: await stage.move({ kind: "promote", ...to(d2) }, fault), stage };
        },
      },
    ];
  for (const { name, act } of acts) {
    const calm = await act();
    assert.ok(calm.run.result.ok);
    const expected = await calm.stage.picture();
    for (const kind of FAULT_KINDS) {
      await t.step(`${name}: ${kind} at each of ${calm.run.names.length} operations`, async () => {
        for (const at of calm.run.names.keys()) {
          const { stage, run } = await act({ at, kind });
          const picture = await stage.picture();
          const where = `${kind} at ${at}: ${calm.run.names[at]}`;
          cases++;
          if (kind !== "refused" && kind !== "failed_late") {
            assert.ok(run.result.ok, where);
            assert.deepEqual(picture, expected, where);
          } else {
            assertAgree(picture, where);
          }
        }
      });
    }
  }
  await t.step(`${cases} cases of step x fault`, () => assert.ok(cases > 60));
  await db.close();
});

/** Pointer, flag and names never disagree, whatever failed. */
function assertAgree(picture: Readonly<Record<string, unknown>>, where: string): void {
  const { live, routes } = picture as { live: string; routes: Record<string, string> };
  assert.equal(routes["environment"], live, where);
  assert.equal(routes["live"], live, where);
}
