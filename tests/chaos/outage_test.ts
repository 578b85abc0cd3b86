/** The database's connections and Restate itself fail at random points, while an environment lives on. */
import assert from "node:assert/strict";
import { systemClock } from "../../pkg/clock/mod.ts";
import { hasMysqlServer, mysqlServer } from "../../pkg/testkit/mariadb.ts";
import { back, to } from "../../svc/ctrl/worker/testing_environment.ts";
import { instanceReport } from "../../svc/ctrl/worker/testing.ts";
import { WorkerBed } from "../integration/worker_bed.ts";
import { Part } from "../testbed/process.ts";
import { eventually } from "../testbed/wait.ts";
import { CuttableWay } from "./cuttable.ts";
import { seeded } from "./simulation.ts";

const ROUNDS = 6;
/** From one failure to the next. A Restate that has just started needs longer than a connection. */
const CUT_DELAY_MS_MAX = 600;
const DEATH_DELAY_MS_MAX = 1_200;
const OUTAGE_MS_MAX = 400;
/** In one round: a machine on which little gets done from one failure to the next must come to an end too. */
const FAILURES_MAX = 12;
const SEED = 7;
const clock = systemClock();

/** Deploys with a build, rolls back and promotes; answers with who is live in the end. */
async function live(bed: WorkerBed): Promise<string> {
  const d1 = await deployed(bed);
  const d2 = await deployed(bed, "slow-200");
  await patiently(() => bed.workflows.rollback(bed.environment, back(d2, d1)));
  await patiently(() => bed.workflows.promote(bed.environment, to(d2)));
  const { live_deployment_id: id, is_rolled_back: rolledBack } = await bed.db.kysely.selectFrom(
    "environments",
  )
    .selectAll().where("id", "=", bed.environment).executeTakeFirstOrThrow();
  const routes = await bed.db.kysely.selectFrom("frontline_routes").select("deployment_id").distinct()
    .where("environment_id", "=", bed.environment).where("sticky", "in", ["live", "environment"]).execute();
  const number = (each: string | null): string => each === d1 ? "d1" : each === d2 ? "d2" : String(each);
  const statuses = [await bed.status(d1), await bed.status(d2)].join(" ");
  return `${number(id)} ${rolledBack}, routes to ${
    routes.map((each) => number(each.deployment_id)).join()
  }, ${statuses}`;
}

async function deployed(bed: WorkerBed, dockerfile?: string): Promise<string> {
  const id = await bed.create(dockerfile);
  await patiently(() => bed.workflows.submitDeploy(id));
  await bed.until(id, "ready");
  return id;
}

/** A user tries again when the platform says that it is away; "already" says that the first try did it. */
async function patiently(work: () => Promise<unknown>): Promise<void> {
  await eventually("the platform to take it", async () => {
    try {
      await work();
      return true;
    } catch (error) {
      return /is live already|is not the live one/.test(String(error));
    }
  }, { everyMs: 100 });
}

/** Breaks something at random points while `work` runs; answers how often. */
async function amid<T>(
  delayMs: () => number,
  fail: () => Promise<void>,
  work: () => Promise<T>,
): Promise<{ value: T; failures: number }> {
  const done = new AbortController();
  let failures = 0;
  const breaking = (async () => {
    while (failures < FAILURES_MAX) {
      await clock.sleep(delayMs(), done.signal).catch(() => undefined);
      if (done.signal.aborted) return;
      await fail();
      failures++;
    }
  })();
  try {
    return { value: await work(), failures };
  } finally {
    done.abort();
    await breaking;
  }
}

const EXPECTED = "d2 0, routes to d2, ready ready";

Deno.test("an environment lives on through lost connections to the database", {
  ignore: !hasMysqlServer(),
}, async (t) => {
  const schema = await (await mysqlServer())?.createSchema();
  assert.ok(schema !== undefined);
  const url = new URL(schema.url.reveal());
  const way = new CuttableWay(Number(url.port));
  url.port = String(way.port);
  const bed = await WorkerBed.startWith({
    worker: (part) => new Part(part),
    databaseUrl: schema.url,
    env: { UNKEY_DATABASE_PRIMARY: url.href },
  });
  const random = seeded(SEED);
  let failures = 0;
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      await t.step(`round ${round}`, async () => {
        await bed.reseed();
        bed.behaviour = () => [instanceReport()];
        const outcome = await amid(() => random() * CUT_DELAY_MS_MAX, async () => {
          way.cut();
          await clock.sleep(random() * OUTAGE_MS_MAX);
          way.mend();
        }, () => live(bed));
        assert.equal(outcome.value, EXPECTED);
        failures += outcome.failures;
      });
    }
    await t.step(`${failures} outages, ${way.cuts} connections cut`, () => assert.ok(way.cuts > 0));
  } finally {
    await bed.stop();
    await way.close();
    await schema.drop();
  }
});

Deno.test("an environment lives on through deaths of Restate", async (t) => {
  const bed = await WorkerBed.start();
  const random = seeded(SEED);
  let failures = 0;
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      await t.step(`round ${round}`, async () => {
        await bed.reseed();
        const outcome = await amid(() => random() * DEATH_DELAY_MS_MAX, async () => {
          await bed.restate.kill("SIGKILL");
          await bed.restate.start();
        }, () => live(bed));
        assert.equal(outcome.value, EXPECTED);
        failures += outcome.failures;
      });
    }
    await t.step(`${failures} deaths`, () => assert.ok(failures > 0));
  } finally {
    await bed.stop();
  }
});
