/** Unused previews end, and nothing else does, on every database. */
import assert from "node:assert/strict";
import { execute, newWorld } from "../../../../pkg/testkit/fake_durable.ts";
import type { DeploymentStatus } from "../../internal/deployments/status.ts";
import {
  type CtrlDatabase,
  decodeStopNote,
  findDeployment,
  listUnusedDeployments,
  recordRequests,
} from "../../internal/store/mod.ts";
import { type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { orThrow, routingDeps } from "../testing.ts";
import { endUnused } from "./workflow.ts";

const test = testOnCtrlDatabases();
const DAY_MS = 86_400_000;
const WEEK_SECONDS = 604_800;
const MARGIN_MS = 45_000;

/** An environment whose deployments changed `days` ago, and got a request `requested` days ago. */
class Bed {
  readonly db: CtrlDatabase;
  readonly seed: Seed;

  private constructor(db: CtrlDatabase, seed: Seed) {
    this.db = db;
    this.seed = seed;
  }

  static async make(db: CtrlDatabase): Promise<Bed> {
    return new Bed(db, await seedProject(db));
  }

  async deployed(
    { days, requested, environment = this.seed.previewId, status = "ready" }: {
      readonly days: number;
      readonly requested?: number;
      readonly environment?: string;
      readonly status?: DeploymentStatus;
    },
  ): Promise<string> {
    const { id } = await seedDeployment(this.db, this.seed, { environment_id: environment });
    const updated_at = Math.round(Date.now() - days * DAY_MS);
    await this.db.kysely.updateTable("deployments").set({ status, updated_at }).where("id", "=", id)
      .execute();
    if (requested === undefined) return id;
    await recordRequests(this.db.kysely, [id, id]);
    const last_request_at = Math.round(Date.now() - requested * DAY_MS);
    await this.db.kysely.updateTable("deployment_requests").set({ last_request_at })
      .where("deployment_id", "=", id).execute();
    return id;
  }

  async setting(environment: string, idle_end_seconds: number): Promise<void> {
    await this.db.kysely.updateTable("environments").set({ idle_end_seconds }).where("id", "=", environment)
      .execute();
  }

  /** Those of this environment that the task would name. */
  async unused(...ids: readonly string[]): Promise<readonly boolean[]> {
    const options = { operatorSeconds: WEEK_SECONDS, marginMs: MARGIN_MS, limit: 1_000 };
    const found = new Set((await listUnusedDeployments(this.db.kysely, options)).map(({ id }) => id));
    return ids.map((id) => found.has(id));
  }

  async end(deploymentId: string, environment = this.seed.previewId, operatorSeconds = WEEK_SECONDS) {
    const world = newWorld();
    const request = { deploymentId, operatorSeconds, marginMs: MARGIN_MS };
    const done = await execute((durable) => endUnused(durable, routingDeps(this.db, world), request), {
      key: environment,
      world,
    });
    return orThrow(done).kind;
  }
}

test("a preview without requests for a week ends, says why, and an end that comes twice is one end", async (db) => {
  const bed = await Bed.make(db);
  const id = await bed.deployed({ days: 9, requested: 8 });
  assert.deepEqual(await bed.unused(id), [true]);
  assert.deepEqual([await bed.end(id), await bed.end(id)], ["stopped", "stopped"]);
  const row = await findDeployment(db.kysely, id);
  assert.equal(row?.status, "stopped");
  const note = decodeStopNote(row.stop_note);
  assert.deepEqual([note?.reason, note?.message], ["no_requests", "It got no request for 7 days."]);
  assert.deepEqual(await bed.unused(id), [false]);
  const audit = await db.kysely.selectFrom("audit_log").selectAll().where("resource_id", "=", id).execute();
  assert.deepEqual(audit.map(({ action, actor_name }) => [action, actor_name]), [[
    "deployment.stop",
    "preview end",
  ]]);
});

test("a request, a deploy, production, and a setting of never keep a deployment", async (db) => {
  const bed = await Bed.make(db);
  const { productionId, previewId } = bed.seed;
  const requested = await bed.deployed({ days: 9, requested: 6 });
  const fresh = await bed.deployed({ days: 6 });
  const production = await bed.deployed({ days: 9, environment: productionId });
  const building = await bed.deployed({ days: 9, status: "building" });
  assert.deepEqual(await bed.unused(requested, fresh, production, building), [false, false, false, false]);
  assert.deepEqual(
    [
      await bed.end(requested),
      await bed.end(fresh),
      await bed.end(production, productionId),
      await bed.end(building),
    ],
    ["used", "used", "used", "not_ready"],
  );
  const unused = await bed.deployed({ days: 9 });
  await bed.setting(previewId, 0);
  assert.deepEqual([await bed.unused(unused), await bed.end(unused)], [[false], "used"]);
  // Not even by a setting that was written past the API.
  await bed.setting(productionId, 1);
  assert.deepEqual([await bed.unused(production), await bed.end(production, productionId)], [
    [false],
    "used",
  ]);
});

test("the environment's own time comes before the operator's, and reports of edges have their margin", async (db) => {
  const bed = await Bed.make(db);
  const id = await bed.deployed({ days: 2, requested: 1 });
  await bed.setting(bed.seed.previewId, 2 * 86_400);
  assert.deepEqual(await bed.unused(id), [false]);
  await bed.setting(bed.seed.previewId, 86_400);
  // The limit is over by now, the margin is not.
  assert.deepEqual([await bed.unused(id), await bed.end(id)], [[false], "used"]);
  await bed.setting(bed.seed.previewId, 86_300);
  assert.deepEqual([await bed.unused(id), await bed.end(id)], [[true], "stopped"]);
});

test("the operator's value does not reach environments of other names, and 0 ends nothing", async (db) => {
  const bed = await Bed.make(db);
  const id = await bed.deployed({ days: 9 });
  assert.equal(await bed.end(id, bed.seed.previewId, 0), "used");
  await db.kysely.updateTable("environments").set({ slug: "staging" }).where("id", "=", bed.seed.previewId)
    .execute();
  assert.deepEqual([await bed.unused(id), await bed.end(id)], [[false], "used"]);
});

/** Whichever comes first: the report keeps the deployment, or the end has decided before it. */
test("a request that is reported while the end is decided is never lost between the two", async (db) => {
  const bed = await Bed.make(db);
  for (let round = 0; round < 10; round++) {
    const id = await bed.deployed({ days: 9, requested: 8 });
    const [outcome] = round % 2 === 0
      ? await Promise.all([bed.end(id), recordRequests(db.kysely, [id])])
      : (await Promise.all([recordRequests(db.kysely, [id]), bed.end(id)])).toReversed();
    const status = (await findDeployment(db.kysely, id))?.status;
    assert.equal(status, outcome === "stopped" ? "stopped" : "ready");
    assert.equal(await bed.end(id), outcome === "stopped" ? "stopped" : "used");
  }
});
