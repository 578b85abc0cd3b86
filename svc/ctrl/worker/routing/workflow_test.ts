import assert from "node:assert/strict";
import { type FaultCode, isFault } from "../../../../pkg/fault/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { FAULT_KINDS, type Injected } from "../../../../pkg/testkit/fake_durable.ts";
import { deliverStops, memoryDatabase, orThrow, RETENTION, snapshot } from "../testing.ts";
import { findRegionVersion, recordAgents } from "../../internal/store/mod.ts";
import { back, onEnvironment, TestEnvironment, to } from "../testing_environment.ts";
import type { MoveOrder } from "./types.ts";

const allTo = (id: string): Record<string, string> => ({ branch: id, environment: id, live: id });

Deno.test("the newest deployment takes all names, and the one before stays warm", () =>
  onEnvironment(async (environment) => {
    await environment.deployNew();
    await environment.deployNew();
    assert.deepEqual(await environment.picture(), {
      live: "d2",
      rolledBack: false,
      routes: allTo("d2"),
      commits: ["d1", "d2"],
      statuses: "ready ready",
      started: ["d1", "d2"],
      starts: [],
      stops: [`d1 in ${RETENTION.warmMs}`],
    });
    await environment.deployNew();
    const { stops } = await environment.picture();
    // Only one stays warm: d1 goes after the grace time, and its first schedule finds another id.
    const { warmMs, graceMs } = RETENTION;
    assert.deepEqual(stops, [`d1 in ${warmMs}`, `d2 in ${warmMs}`, `d1 in ${graceMs}`]);
    assert.deepEqual(await deliverStops(environment.db, environment.world, graceMs), ["stopped"]);
    assert.equal((await environment.picture())["statuses"], "stopped ready ready");
    const acts = await environment.db.kysely.selectFrom("audit_log").select([
      "actor_kind",
      "actor_name",
      "action",
      "resource_id",
    ]).execute();
    assert.deepEqual(acts, [{
      actor_kind: "system",
      actor_name: "retention",
      action: "deployment.stop",
      resource_id: environment.ids[0],
    }]);
    assert.deepEqual(await deliverStops(environment.db, environment.world, warmMs), ["obsolete", "stopped"]);
    assert.equal((await environment.picture())["statuses"], "stopped stopped ready");
  }));

Deno.test("the times of stops are noted, and forgotten of what serves again or is stopped", () =>
  onEnvironment(async (environment) => {
    const { graceMs, warmMs } = RETENTION;
    const noted = async () => {
      const rows = await environment.db.kysely.selectFrom("deployments").select(["id", "stop_due_at"])
        .execute();
      return environment.ids.map((id) => {
        const at = rows.find((row) => row.id === id)?.stop_due_at ?? null;
        // A deploy takes a few seconds, which the environment's own time does not show.
        return at === null ? undefined : Math.floor((at - environment.world.nowMs) / 10_000) * 10_000;
      });
    };
    const [d1, d2] = [await environment.deployNew(), await environment.deployNew()];
    assert.deepEqual(await noted(), [warmMs, undefined]);
    orThrow(await environment.move({ kind: "rollback", ...back(d2, d1) }));
    assert.deepEqual(await noted(), [undefined, undefined], "d2 has its branch's name still");
    orThrow(await environment.move({ kind: "promote", ...to(d2) }));
    await environment.deployNew();
    assert.deepEqual(await noted(), [graceMs, warmMs, undefined]);
    await deliverStops(environment.db, environment.world, graceMs);
    environment.world.nowMs += graceMs;
    assert.deepEqual(await noted(), [undefined, warmMs - graceMs, undefined]);
  }));

/** A request of two minutes must not be cut because two deploys followed it. */
Deno.test("requests have their time from the switch on, also when another deploy follows, and a deploy tells it", () =>
  onEnvironment(async (environment) => {
    const { graceMs, warmMs } = RETENTION;
    const d1 = await environment.deployNew();
    const d2 = await environment.deployNew();
    environment.world.nowMs += 10_000;
    const d3 = await environment.deployNew();
    const { stops } = await environment.picture();
    assert.deepEqual(stops, [`d1 in ${warmMs}`, `d2 in ${warmMs}`, `d1 in ${graceMs - 10_000}`]);
    for (const [id, text] of [[d1, ""], [d2, `on ${d1} have 30 seconds`], [d3, `on ${d2} have 30 seconds`]]) {
      const events = await environment.db.kysely.selectFrom("deployment_events").select("payload")
        .where("deployment_id", "=", id ?? "").where("kind", "=", "step").execute();
      const done = events.map(({ payload }) => JSON.parse(payload)).find((each) =>
        each.name === "network" && each.status === "done"
      );
      assert.ok(text === "" ? done.message === "" : done.message.includes(text), done.message);
    }
  }));

/** Otherwise a slow build of an old commit would replace what was deployed after it. */
Deno.test("an older deployment that finishes later takes only its own name", () =>
  onEnvironment(async (environment) => {
    const older = await environment.create();
    await environment.deployNew();
    assert.equal(await environment.deploy(older), "ready");
    const { live, routes, commits } = await environment.picture();
    assert.deepEqual({ live, routes, commits }, { live: "d2", routes: allTo("d2"), commits: ["d1", "d2"] });
  }));

Deno.test("rollback moves all of the environment's names, pointer and flag; a new deploy waits for promote", () =>
  onEnvironment(async (environment) => {
    const d1 = await environment.deployNew();
    const d2 = await environment.deployNew();
    const moved = orThrow(await environment.move({ kind: "rollback", ...back(d2, d1) }));
    assert.equal(moved.previousDeploymentId, d2);
    const { live, rolledBack, routes } = await environment.picture();
    assert.deepEqual({ live, rolledBack, routes }, {
      live: "d1",
      rolledBack: true,
      routes: { branch: "d2", environment: "d1", live: "d1" },
    });
    const d3 = await environment.deployNew();
    const meanwhile = await environment.picture();
    assert.equal(meanwhile["live"], "d1");
    assert.equal(meanwhile["rolledBack"], true);
    assert.deepEqual(meanwhile["routes"], { branch: "d3", environment: "d1", live: "d1" });
    orThrow(await environment.move({ kind: "promote", ...to(d3) }));
    const after = await environment.picture();
    assert.deepEqual([after["live"], after["rolledBack"], after["routes"]], ["d3", false, allTo("d3")]);
  }));

/** A schedule from before the rollback would otherwise stop the deployment that serves, or one that was kept warm again. */
Deno.test("a stop that was scheduled before its deployment served again does nothing", () =>
  onEnvironment(async (environment) => {
    const d1 = await environment.deployNew();
    const d2 = await environment.deployNew();
    orThrow(await environment.move({ kind: "rollback", ...back(d2, d1) }));
    // d2 still has its branch's name, so nothing was scheduled for it.
    assert.deepEqual((await environment.picture())["stops"], [`d1 in ${RETENTION.warmMs}`]);
    assert.deepEqual(await deliverStops(environment.db, environment.world, RETENTION.warmMs), ["obsolete"]);
    assert.equal((await environment.picture())["statuses"], "ready ready");

    orThrow(await environment.move({ kind: "promote", ...to(d2) }));
    assert.deepEqual(await deliverStops(environment.db, environment.world, RETENTION.warmMs), ["stopped"]);
    assert.equal((await environment.picture())["statuses"], "stopped ready");
  }));

/** An edge that is behind still sends requests to the deployment that has lost its traffic. */
Deno.test("a stop waits for edges that are alive and behind, but not for ever", async (t) => {
  const edge = (
    environment: TestEnvironment,
    progress: number,
    nowMs = environment.world.nowMs,
  ): Promise<void> =>
    transact(environment.db, (tx) =>
      recordAgents(tx, [{
        agentId: "*:edge",
        region: "*",
        progress: { appliedVersion: progress, observedVersion: progress },
        nowMs,
      }]));
  const { warmMs, edgesMs } = RETENTION;
  const retired = async (environment: TestEnvironment): Promise<void> => {
    await environment.deployNew();
    await environment.deployNew();
    environment.world.nowMs += warmMs;
  };
  await t.step("until it has acknowledged the switch", () =>
    onEnvironment(async (environment) => {
      await retired(environment);
      await edge(environment, 1);
      assert.deepEqual(await deliverStops(environment.db, environment.world, warmMs), ["waiting"]);
      assert.deepEqual(await deliverStops(environment.db, environment.world, warmMs), ["waiting"]);
      assert.equal((await environment.picture())["statuses"], "ready ready");
      await edge(environment, await findRegionVersion(environment.db.kysely, "*"));
      assert.deepEqual(await deliverStops(environment.db, environment.world, warmMs), ["stopped"]);
    }));
  await t.step("unless it is dead", () =>
    onEnvironment(async (environment) => {
      await retired(environment);
      await edge(environment, 1, environment.world.nowMs - 60_000);
      assert.deepEqual(await deliverStops(environment.db, environment.world, warmMs), ["stopped"]);
    }));
  await t.step("or has not caught up for too long", () =>
    onEnvironment(async (environment) => {
      await retired(environment);
      // The deploys themselves took a while.
      environment.world.nowMs += 2 * edgesMs;
      await edge(environment, 1);
      assert.deepEqual(await deliverStops(environment.db, environment.world, warmMs), ["stopped"]);
    }));
});

Deno.test("promote and rollback refuse what the gates refuse", async (t) => {
  const db = await memoryDatabase();
  const environment = await TestEnvironment.make(db);
  const d1 = await environment.deployNew();
  const d2 = await environment.deployNew();
  const pending = await environment.create();
  const elsewhere = await TestEnvironment.make(db);
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
  const before = await environment.picture();
  for (const [name, order, code, text] of table) {
    await t.step(name, async () => {
      const { result } = await environment.move(order);
      assert.ok(!result.ok);
      assert.ok(isFault(result.error, code), String(result.error));
      assert.match(result.error.publicMessage ?? "", text);
      assert.deepEqual(await environment.picture(), before);
    });
  }
  await db.close();
});

/** Slugs joined by hyphens are ambiguous; taking the name over would hand one tenant's visitors to another. */
Deno.test("a host name of another workspace is refused, and the deployment is undone", () =>
  onEnvironment(async (environment) => {
    const id = await environment.create();
    await environment.deployNew();
    const taken = await environment.db.kysely.selectFrom("frontline_routes").selectAll()
      .where("sticky", "=", "live").executeTakeFirstOrThrow();
    await environment.db.kysely.updateTable("frontline_routes")
      .set({ workspace_id: "ws_other", project_id: "proj_other", environment_id: "env_other" })
      .where("id", "=", taken.id).execute();
    await environment.db.kysely.updateTable("environments").set({ live_deployment_id: null })
      .where("id", "=", environment.seed.productionId).execute();
    assert.equal(await environment.deploy(id), "failed");
    const { failure, topology, routes } = await snapshot(environment.db, id);
    assert.deepEqual({ failure, topology, routes }, {
      failure: "host_taken",
      topology: ["local stopped"],
      routes: [],
    });
    const row = await environment.db.kysely.selectFrom("deployments").select("error_message").where(
      "id",
      "=",
      id,
    )
      .executeTakeFirstOrThrow();
    assert.ok(row.error_message?.includes(taken.hostname));
  }));

/** Routes, pointer, flag, status and schedules must be those of an unbroken run, wherever the process dies. */
Deno.test("moving traffic ends the same wherever it breaks", async (t) => {
  const db = await memoryDatabase();
  let cases = 0;
  type Result = { readonly names: readonly string[]; readonly result: { readonly ok: boolean } };
  const acts: readonly {
    name: string;
    act: (fault?: Injected) => Promise<{ environment: TestEnvironment; run: Result }>;
  }[] = [
    {
      name: "assign",
      act: async (fault) => {
        const environment = await TestEnvironment.make(db);
        await environment.deployNew();
        return { run: await environment.assign(await environment.almostReady(), fault), environment };
      },
    },
    {
      name: "rollback",
      act: async (fault) => {
        const environment = await TestEnvironment.make(db);
        const d1 = await environment.deployNew();
        const d2 = await environment.deployNew();
        return { run: await environment.move({ kind: "rollback", ...back(d2, d1) }, fault), environment };
      },
    },
    {
      name: "promote",
      act: async (fault) => {
        const environment = await TestEnvironment.make(db);
        const d1 = await environment.deployNew();
        const d2 = await environment.deployNew();
        orThrow(await environment.move({ kind: "rollback", ...back(d2, d1) }));
        return { run: await environment.move({ kind: "promote", ...to(d2) }, fault), environment };
      },
    },
  ];
  for (const { name, act } of acts) {
    const calm = await act();
    assert.ok(calm.run.result.ok);
    const expected = await calm.environment.picture();
    for (const kind of FAULT_KINDS) {
      await t.step(`${name}: ${kind} at each of ${calm.run.names.length} operations`, async () => {
        for (const at of calm.run.names.keys()) {
          const { environment, run } = await act({ at, kind });
          const picture = await environment.picture();
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
