import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { FAULT_KINDS } from "../../../../pkg/testkit/fake_durable.ts";
import { findRunningGradual, insertGradualOrder, listUnwatchedGraduals } from "../../internal/store/mod.ts";
import { orThrow, report } from "../testing.ts";
import { actor, back, onEnvironment, type TestEnvironment } from "../testing_environment.ts";
import { TestGradual } from "../testing_gradual.ts";
import { shares } from "../testing_gradual_pair.ts";

async function orderSteps(environment: TestEnvironment, id: string): Promise<string> {
  await transact(environment.db, (tx) =>
    insertGradualOrder(tx, {
      deployment_id: id,
      workspace_id: environment.seed.workspaceId,
      steps: "[10,50]",
      every_ms: 60_000,
      is_sticky: 0,
      actor: JSON.stringify(actor),
      created_at: environment.world.nowMs,
    }));
  return id;
}

async function deployInSteps(environment: TestEnvironment): Promise<string> {
  const id = await orderSteps(environment, await environment.create());
  assert.equal(await environment.deploy(id), "ready");
  return id;
}

async function notices({ db }: TestEnvironment, id: string): Promise<readonly string[]> {
  const events = await db.kysely.selectFrom("deployment_events").select("payload")
    .where("deployment_id", "=", id).where("kind", "=", "notice").orderBy("sequence").execute();
  return events.map(({ payload }) => String(JSON.parse(payload).message));
}

async function orders({ db }: TestEnvironment): Promise<number> {
  return (await db.kysely.selectFrom("gradual_orders").select("deployment_id").execute()).length;
}

Deno.test("a deploy in steps is ready with its first share, and goes live with the last step", () =>
  onEnvironment(async (environment) => {
    await environment.deployNew();
    const d2 = await deployInSteps(environment);
    const inSteps = { branch: "d2", environment: "d1 step 0 d2", live: "d1 step 0 d2" };
    assert.deepEqual(await shares(environment), inSteps);
    assert.equal((await environment.picture())["live"], "d1");
    assert.equal(
      (await notices(environment, d2))[0],
      `The requests of "production" move in steps: 10 %, 50 %, 100 %. "unkey promote ${d2} --abort" gives them back.`,
    );
    assert.match((await notices(environment, d2)).join(), /has begun: 10 %, 50 %, 100 % of the requests/);
    assert.equal(await orders(environment), 0);

    const row = await findRunningGradual(environment.db.kysely, environment.seed.productionId);
    // The sweeper watches it at its next look, and not after the time of one that broke off.
    assert.deepEqual(await listUnwatchedGraduals(environment.db.kysely, { beforeMs: 1, limit: 2 }), [
      row?.id,
    ]);
    const gradual = new TestGradual(environment, row?.id);
    orThrow(await gradual.watch());
    await gradual.looks(40);
    assert.equal(await gradual.state(), "completed: It serves all requests.");
    assert.equal((await environment.picture())["live"], "d2");
  }));

Deno.test("a deploy in steps begins once, whatever breaks while it is assigned", async (t) => {
  for (const kind of FAULT_KINDS) {
    for (let at = 0; at < 6; at++) {
      await t.step(`${kind} at ${at}`, () =>
        onEnvironment(async (environment) => {
          await environment.deployNew();
          const d2 = await orderSteps(environment, await environment.almostReady());
          const first = await environment.assign(d2, { at, kind });
          const done = first.result.ok ? first : await environment.assign(d2);
          assert.equal(orThrow(done).kind, "ready");
          const rows = await environment.db.kysely.selectFrom("gradual_switches").select("state").execute();
          assert.deepEqual(rows, [{ state: "running" }]);
          assert.equal(await orders(environment), 0);
        }));
    }
  }
});

Deno.test("a deploy in steps gets all requests at once where there are none to share, and says why", async (t) => {
  await t.step("nothing is live", () =>
    onEnvironment(async (environment) => {
      const d1 = await deployInSteps(environment);
      assert.equal((await environment.picture())["live"], "d1");
      assert.deepEqual(await notices(environment, d1), [
        'Nothing is live in "production" yet, so the requests do not move in steps.',
      ]);
    }));
  await t.step("the live deployment does not run", () =>
    onEnvironment(async (environment) => {
      const d1 = await environment.deployNew();
      await report(environment.db, d1, environment.world.nowMs, []);
      const d2 = await deployInSteps(environment);
      assert.equal((await environment.picture())["live"], "d2");
      assert.deepEqual(await notices(environment, d2), [
        `No instance of the live deployment ${d1} runs, so the requests do not move in steps.`,
      ]);
    }));
});

Deno.test("a deploy in steps waits for a promote while its environment is rolled back", () =>
  onEnvironment(async (environment) => {
    const [d1, d2] = [await environment.deployNew(), await environment.deployNew()];
    orThrow(await environment.move({ kind: "rollback", ...back(d2, d1) }));
    const d3 = await deployInSteps(environment);
    assert.equal((await environment.picture())["live"], "d1");
    assert.match((await notices(environment, d3)).join(), /^The environment is rolled back/);
    assert.equal(await findRunningGradual(environment.db.kysely, environment.seed.productionId), undefined);
  }));

Deno.test("a second deploy in steps takes the place of the first", () =>
  onEnvironment(async (environment) => {
    await environment.deployNew();
    await deployInSteps(environment);
    const d3 = await deployInSteps(environment);
    assert.equal((await shares(environment))["live"], "d1 step 0 d3");
    const rows = await environment.db.kysely.selectFrom("gradual_switches").select(["state", "reason"])
      .orderBy("created_at").orderBy("state", "desc").execute();
    assert.deepEqual(rows.map(({ state, reason }) => [state, reason]), [
      ["running", null],
      ["replaced", `The gradual switch to ${d3} begins.`],
    ]);
  }));
