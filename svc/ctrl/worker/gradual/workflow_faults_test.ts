import assert from "node:assert/strict";
import { FAULT_KINDS, type Injected } from "../../../../pkg/testkit/fake_durable.ts";
import { memoryDatabase, orThrow, report, RETENTION } from "../testing.ts";
import { onEnvironment, TestEnvironment } from "../testing_environment.ts";
import { TestGradual } from "../testing_gradual.ts";
import { pair, shares } from "../testing_gradual_pair.ts";

/** Row, routes, pointer and what is sent must be those of an unbroken run, wherever the process dies. */
Deno.test("a gradual switch ends the same wherever it breaks", async (t) => {
  const db = await memoryDatabase();
  let cases = 0;
  let count = 0;
  type Run = { readonly names: readonly string[]; readonly result: { readonly ok: boolean } };
  const begun = async (): Promise<TestGradual> => {
    const environment = await TestEnvironment.make(db);
    const [, d2] = await pair(environment);
    const gradual = new TestGradual(environment, `gs_${count++}`);
    orThrow(await gradual.begin(d2));
    return gradual;
  };
  const acts: Readonly<Record<string, (fault?: Injected) => Promise<readonly [TestGradual, Run]>>> = {
    begin: async (fault) => {
      const environment = await TestEnvironment.make(db);
      const [, d2] = await pair(environment);
      const gradual = new TestGradual(environment, `gs_${count++}`);
      return [gradual, await gradual.begin(d2, fault === undefined ? {} : { fault })];
    },
    "a look": async (fault) => {
      const gradual = await begun();
      return [gradual, await gradual.look(fault)];
    },
    "a step": async (fault) => {
      const gradual = await begun();
      gradual.world.nowMs += 60_000;
      return [gradual, await gradual.look(fault)];
    },
    "the last step": async (fault) => {
      const gradual = await begun();
      orThrow(await gradual.advance());
      gradual.world.nowMs += 60_000;
      return [gradual, await gradual.look(fault)];
    },
    "an abort by the gate": async (fault) => {
      const gradual = await begun();
      const { environment } = gradual;
      await report(db, environment.ids[1] ?? "", gradual.world.nowMs, []);
      orThrow(await gradual.look());
      return [gradual, await gradual.look(fault)];
    },
    "an abort by a person": async (fault) => {
      const gradual = await begun();
      return [gradual, await gradual.abort(fault)];
    },
    "a step by a person": async (fault) => {
      const gradual = await begun();
      return [gradual, await gradual.advance(fault)];
    },
  };
  const picture = async (gradual: TestGradual) => ({
    state: (await gradual.state().catch(() => "none")).replaceAll(/\bd_\w+/g, "d"),
    shares: await shares(gradual.environment),
    live: (await gradual.environment.picture())["live"],
    sent: gradual.world.sent.map(({ handler, delayMs }) => `${handler} ${delayMs}`),
    acts: (await db.kysely.selectFrom("audit_log").select("action")
      .where("environment_id", "=", gradual.environment.seed.productionId).execute()).map(({ action }) =>
        action
      )
      .toSorted(),
  });
  for (const [name, act] of Object.entries(acts)) {
    const [calm, run] = await act();
    assert.ok(run.result.ok, name);
    const expected = await picture(calm);
    for (const kind of FAULT_KINDS) {
      await t.step(`${name}: ${kind} at each of ${run.names.length} operations`, async () => {
        for (const at of run.names.keys()) {
          const [gradual, broken] = await act({ at, kind });
          const where = `${kind} at ${at}: ${run.names[at]}`;
          cases++;
          if (kind !== "refused" && kind !== "failed_late") {
            assert.ok(broken.result.ok, where);
            assert.deepEqual(await picture(gradual), expected, where);
            continue;
          }
          const { state, shares: split, live } = await picture(gradual);
          const isSplit = split["live"]?.includes("step") === true;
          assert.equal(isSplit, state.startsWith("running"), where);
          if (state.startsWith("running")) assert.equal(live, "d1", where);
        }
      });
    }
  }
  await t.step(`${cases} cases of step x fault`, () => assert.ok(FAULT_KINDS.length === 0 || cases > 100));
  await db.close();
});

Deno.test("a look that fails is followed by another one, and an end that failed late stops the version all the same", () =>
  onEnvironment(async (environment) => {
    const [, d2] = await pair(environment);
    const gradual = new TestGradual(environment);
    orThrow(await gradual.begin(d2));
    const failed = await gradual.look({ at: 1, kind: "refused" });
    assert.equal(failed.result.ok, false);
    assert.ok(gradual.isWatched);
    const { names } = await gradual.abort({ at: 1, kind: "failed_late" });
    assert.equal(names[1], "end gradual switch");
    assert.match(await gradual.state(), /^cancelled/);
    environment.world.sent.length = 0;
    await gradual.looks(2);
    assert.equal(gradual.isWatched, false);
    assert.deepEqual((await environment.picture())["stops"], [`d2 in ${RETENTION.warmMs}`]);
  }));

Deno.test("a new chain of looks ends the former one", () =>
  onEnvironment(async (environment) => {
    const [, d2] = await pair(environment);
    const gradual = new TestGradual(environment);
    orThrow(await gradual.begin(d2));
    orThrow(await gradual.watch());
    const looks = () => gradual.world.sent.filter(({ handler }) => handler === "look").length;
    assert.equal(looks(), 2);
    orThrow(await gradual.look());
    assert.equal(looks(), 1);
    orThrow(await gradual.look());
    assert.equal(looks(), 1);
  }));
