import assert from "node:assert/strict";
import { FAULT_KINDS, type Injected } from "../../../../pkg/testkit/fake_durable.ts";
import { memoryDatabase, orThrow, report } from "../testing.ts";
import { back, TestEnvironment, to } from "../testing_environment.ts";
import { rollbackFrom, withStopped } from "./testing.ts";

type Picture = Readonly<Record<string, unknown>>;

/** Wherever it breaks, it ends whole or as before: nothing half started is left, and traffic never leads nowhere. */
Deno.test("start, cold rollback, promote, cancel and stop end the same wherever they break", async (t) => {
  const db = await memoryDatabase();
  let cases = 0;
  type Run = { readonly names: readonly string[]; readonly result: { readonly ok: boolean } };
  type Scenario = (fault?: Injected) => Promise<{ environment: TestEnvironment; run: Run; before: Picture }>;
  const starting =
    (then: (ids: readonly [string, string, string]) => Parameters<TestEnvironment["start"]>[1]): Scenario =>
    async (fault) => {
      const environment = await TestEnvironment.make(db);
      const ids = await withStopped(environment);
      const before = await environment.picture();
      const run = await environment.start(ids[0], then(ids), fault === undefined ? {} : { fault });
      return { environment, run, before };
    };
  const scenarios: Readonly<Record<string, Scenario>> = {
    "start": starting(() => ({ kind: "nothing" })),
    "cold rollback": starting(([, , d3]) => rollbackFrom(d3)),
    "cold promote": starting(() => ({ kind: "promote" })),
    "warm start of what serves nothing": async (fault) => {
      const environment = await TestEnvironment.make(db);
      const d1 = await environment.deployNew();
      await environment.deployNew();
      await report(environment.db, d1, environment.world.nowMs, []);
      const before = await environment.picture();
      const run = await environment.start(d1, { kind: "nothing" }, fault === undefined ? {} : { fault });
      return { environment, run, before };
    },
    "cancelled start": async (fault) => {
      const environment = await TestEnvironment.make(db);
      const [d1, , d3] = await withStopped(environment);
      const before = await environment.picture();
      const run = await environment.start(d1, rollbackFrom(d3), {
        ...(fault === undefined ? {} : { fault }),
        onWait: (_count, world) => void world.signals.add("cancel"),
      });
      return { environment, run, before };
    },
    "stop": async (fault) => {
      const environment = await TestEnvironment.make(db);
      const d1 = await environment.deployNew();
      await environment.deployNew();
      const before = await environment.picture();
      return { environment, run: await environment.stopByUser(d1, fault), before };
    },
    "cancel of a live one": async (fault) => {
      const environment = await TestEnvironment.make(db);
      const [d1, d2] = [await environment.deployNew(), await environment.deployNew()];
      const before = await environment.picture();
      const order = { kind: "rollback", ...back(d2, d1), cancels: true } as const;
      return { environment, run: await environment.move(order, fault), before };
    },
    "accept a rollback": async (fault) => {
      const environment = await TestEnvironment.make(db);
      const [d1, d2] = [await environment.deployNew(), await environment.deployNew()];
      orThrow(await environment.move({ kind: "rollback", ...back(d2, d1) }));
      const before = await environment.picture();
      return { environment, run: await environment.move({ kind: "promote", ...to(d1) }, fault), before };
    },
  };
  for (const [name, play] of Object.entries(scenarios)) {
    const calm = await play();
    assert.ok(calm.run.result.ok, name);
    const expected = await calm.environment.picture();
    for (const kind of FAULT_KINDS) {
      await t.step(`${name}: ${kind} at each of ${calm.run.names.length} operations`, async () => {
        for (const at of calm.run.names.keys()) {
          const { environment, before } = await play({ at, kind });
          const where = `${name}: ${kind} at ${at}: ${calm.run.names[at]}`;
          const { stops: _, ...picture } = await environment.picture();
          cases++;
          const wholes = kind === "refused" || kind === "failed_late" ? [expected, before] : [expected];
          const matches = wholes.some(({ stops: _, ...whole }) => {
            const { starts: _starts, ...rest } = picture;
            const { starts: _others, ...wanted } = whole;
            return JSON.stringify(rest) === JSON.stringify(wanted);
          });
          assert.ok(matches, `${where}: ${JSON.stringify(picture)}\nexpected ${JSON.stringify(expected)}`);
          // A release that used up its tries is taken over by the next start, some time later.
          if (calm.run.names[at] !== "release start") assert.deepEqual(picture["starts"], [], where);
        }
      });
    }
  }
  await t.step(`${cases} cases of step x fault`, () => assert.ok(cases > 150));
  await db.close();
});
