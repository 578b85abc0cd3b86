import assert from "node:assert/strict";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { instanceReport, orThrow, report, RETENTION } from "../testing.ts";
import { back, onEnvironment, type TestEnvironment, to } from "../testing_environment.ts";
import { TestGradual } from "../testing_gradual.ts";
import { pair, shares } from "../testing_gradual_pair.ts";

Deno.test("a gradual switch gives its steps in their time, and ends with a promote", () =>
  onEnvironment(async (environment) => {
    const [d1, d2] = await pair(environment);
    const gradual = new TestGradual(environment);
    orThrow(await gradual.begin(d2));
    assert.deepEqual(await shares(environment), { environment: "d1 step 0 d2", live: "d1 step 0 d2" });
    await gradual.looks(12);
    assert.equal(await gradual.state(), "running 0");
    await gradual.looks(3);
    assert.equal(await gradual.state(), "running 1");
    assert.deepEqual(await shares(environment), { environment: "d1 step 1 d2", live: "d1 step 1 d2" });
    await gradual.looks(20);
    assert.equal(await gradual.state(), "completed: It serves all requests.");
    assert.equal(gradual.isWatched, false);
    assert.deepEqual(await shares(environment), { environment: "d2", live: "d2" });
    const { live, rolledBack } = await environment.picture();
    assert.deepEqual([live, rolledBack], ["d2", false]);
    const { kysely } = environment.db;
    const audit = await kysely.selectFrom("audit_log").select("action")
      .where("action", "in", ["gradual_switch.start", "gradual_switch.step", "gradual_switch.end"]).execute();
    assert.deepEqual(audit.map(({ action }) => action).toSorted(), [
      "gradual_switch.end",
      "gradual_switch.start",
      "gradual_switch.step",
    ]);
    const switches = await kysely.selectFrom("traffic_switches").select([
      "cause",
      "percent",
      "deployment_id",
      "gradual_switch_id",
    ]).where("gradual_switch_id", "is not", null).orderBy("created_at", "desc").execute();
    assert.deepEqual(
      switches.map((each) => [each.cause, each.percent, each.deployment_id, each.gradual_switch_id]),
      [
        ["promote", null, d2, gradual.id],
        ["gradual", 50, d2, gradual.id],
        ["gradual", 10, d2, gradual.id],
      ],
    );
    for (const [id, texts] of [[d1, 2], [d2, 3]] as const) {
      const events = await kysely.selectFrom("deployment_events").select("payload")
        .where("deployment_id", "=", id).where("kind", "=", "notice").where("payload", "like", "%gradual%")
        .execute();
      assert.equal(events.length, texts, id);
    }
  }));

Deno.test("a version that fails more requests than the live one is aborted, with the evidence, and stopped like another", () =>
  onEnvironment(async (environment) => {
    const [d1, d2] = await pair(environment);
    const gradual = new TestGradual(environment);
    orThrow(await gradual.begin(d2, { everyMs: 3_600_000 }));
    let looks = 0;
    for (; gradual.isWatched && looks < 40; looks++) {
      orThrow(await gradual.look());
      if (looks % 2 === 0) continue;
      await gradual.count(d2, 60, 3);
      await gradual.count(d1, 540);
    }
    assert.match(
      await gradual.state(),
      /^aborted: 5\.0 % of (120|180) requests failed, 0\.0 % of (1,080|1,620) of the live version\.$/,
    );
    assert.deepEqual(await shares(environment), { environment: "d1", live: "d1" });
    environment.world.sent.length = 0;
    await gradual.deliver();
    assert.deepEqual((await environment.picture())["stops"], [`d2 in ${RETENTION.warmMs}`]);
    const last = await environment.db.kysely.selectFrom("traffic_switches").selectAll()
      .orderBy("created_at", "desc").limit(1).executeTakeFirstOrThrow();
    assert.deepEqual([last.cause, last.deployment_id, last.previous_deployment_id], ["abort", d1, d2]);
    const [entry] = await environment.db.kysely.selectFrom("audit_log").select(["action", "facts"])
      .where("action", "=", "gradual_switch.abort").execute();
    assert.match(entry?.facts ?? "", /5\.0 % of/);
  }));

Deno.test("a person goes on and ends it; each also when nothing is due", () =>
  onEnvironment(async (environment) => {
    const [, d2] = await pair(environment);
    const gradual = new TestGradual(environment);
    orThrow(await gradual.begin(d2, { held: true }));
    await gradual.looks(100);
    assert.equal(await gradual.state(), "running 0");
    orThrow(await gradual.advance());
    assert.equal(await gradual.state(), "running 1");
    orThrow(await gradual.abort());
    assert.match(await gradual.state(), /^cancelled/);
    for (const act of [gradual.advance(), gradual.abort()]) {
      const { result } = await act;
      assert.ok(!result.ok && isFault(result.error, "failed_precondition"));
    }
    const second = new TestGradual(environment, "gs_2");
    orThrow(await second.begin(d2));
    orThrow(await second.advance());
    orThrow(await second.advance());
    assert.equal(await second.state(), "completed: It serves all requests.");
    assert.equal((await environment.picture())["live"], "d2");
    await second.looks(5);
    assert.equal(second.isWatched, false);
  }));

Deno.test("a deploy, a promote and a rollback win at once, and end a gradual switch", async (t) => {
  const acts: Readonly<
    Record<string, (environment: TestEnvironment, ids: readonly string[]) => Promise<unknown>>
  > = {
    deploy: async (environment) => {
      await environment.db.kysely.updateTable("environments").set({ is_rolled_back: 0 }).execute();
      return await environment.deployNew();
    },
    "promote of another": async (environment, [, , d3 = ""]) =>
      orThrow(await environment.move({ kind: "promote", ...to(d3) })),
    rollback: async (environment, [d1 = "", , d3 = ""]) =>
      orThrow(await environment.move({ kind: "rollback", ...back(d1, d3) })),
    "promote of the same": async (environment, [, d2 = ""]) =>
      orThrow(await environment.move({ kind: "promote", ...to(d2) })),
  };
  for (const [name, act] of Object.entries(acts)) {
    await t.step(name, () =>
      onEnvironment(async (environment) => {
        const [d1, d2] = await pair(environment);
        const d3 = await environment.deployNew();
        const gradual = new TestGradual(environment);
        orThrow(await gradual.begin(d2));
        await act(environment, [d1, d2, d3]);
        const expected = name === "promote of the same"
          ? /^completed: It was promoted at once/
          : /^replaced: d_.* serves all/;
        assert.match(await gradual.state(), expected);
        for (const text of Object.values(await shares(environment))) assert.ok(!text.includes("step"), text);
        await gradual.looks(3);
        assert.equal(gradual.isWatched, false);
      }));
  }
});

Deno.test("a switch of a process of the former release ends a gradual switch with the next look", () =>
  onEnvironment(async (environment) => {
    const [, d2] = await pair(environment);
    const d3 = await environment.deployNew();
    const gradual = new TestGradual(environment);
    orThrow(await gradual.begin(d2));
    // It moves routes and pointer, and knows no gradual switch.
    await environment.db.kysely.updateTable("frontline_routes").set({ deployment_id: d3 })
      .where("sticky", "in", ["environment", "live"]).execute();
    await environment.db.kysely.updateTable("environments").set({ live_deployment_id: d3 }).execute();
    assert.deepEqual(await shares(environment), { branch: "d3", environment: "d3", live: "d3" });
    await gradual.looks(1);
    assert.match(await gradual.state(), /^replaced/);
  }));

Deno.test("a version that loses all its instances is aborted, one that restarts an instance is not", () =>
  onEnvironment(async (environment) => {
    const [, d2] = await pair(environment);
    const gradual = new TestGradual(environment);
    orThrow(await gradual.begin(d2));
    await report(environment.db, d2, gradual.world.nowMs, []);
    await gradual.looks(1);
    assert.equal(await gradual.state(), "running 0");
    await report(environment.db, d2, gradual.world.nowMs, [instanceReport()]);
    await gradual.looks(1);
    await report(environment.db, d2, gradual.world.nowMs, []);
    await gradual.looks(2);
    assert.equal(await gradual.state(), `aborted: No instance of ${d2} runs any more.`);
  }));

Deno.test("a gradual switch is refused where there is nothing to share or to compare", async (t) => {
  const refused: Readonly<
    Record<
      string,
      readonly [(environment: TestEnvironment, ids: readonly string[]) => Promise<string>, RegExp]
    >
  > = {
    "to the live one": [(_, [d1 = ""]) => Promise.resolve(d1), /is live already/],
    "beside another": [async (environment, [, d2 = ""]) => {
      orThrow(await new TestGradual(environment, "gs_0").begin(d2));
      return d2;
    }, /runs in "production" already/],
    "of a version that does not run": [async (environment, [, d2 = ""]) => {
      await report(environment.db, d2, environment.world.nowMs, []);
      return d2;
    }, /No instance of deployment/],
    "from a version that does not run": [async (environment, [d1 = "", d2 = ""]) => {
      await report(environment.db, d1, environment.world.nowMs, []);
      return d2;
    }, /nothing to compare with/],
    "without host names": [async (environment, [, d2 = ""]) => {
      await environment.db.kysely.deleteFrom("frontline_routes").execute();
      return d2;
    }, /No host name leads/],
  };
  for (const [name, [prepare, text]] of Object.entries(refused)) {
    await t.step(name, () =>
      onEnvironment(async (environment) => {
        const target = await prepare(environment, await pair(environment));
        const { result } = await new TestGradual(environment).begin(target);
        assert.ok(!result.ok && isFault(result.error, "failed_precondition"));
        assert.match(result.error.publicMessage ?? "", text);
      }));
  }
});
