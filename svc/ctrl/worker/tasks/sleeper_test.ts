/** Deployments that fall asleep, and those that must not, on every database. */
import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import {
  type CtrlDatabase,
  EDGE_REGION,
  followSleepTimes,
  listDesiredDeployments,
  listInstanceEvents,
  listSleeps,
  moveStatus,
  placeDeployment,
  recordAgents,
  recordRequests,
  replaceReported,
  SLEEP_REVISION,
  stopTopology,
  wake,
} from "../../internal/store/mod.ts";
import { type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { ROWS } from "../../internal/store/testing_rows.ts";
import { Sleeper } from "./sleeper.ts";

const test = testOnCtrlDatabases();
const never = new AbortController().signal;
const HOUR_MS = 3_600_000;

/** A ready preview with two instances in `eu`, which was last used an hour ago and may sleep after ten minutes. */
class World {
  readonly notified: (readonly string[])[] = [];
  readonly sleeper: Sleeper;

  private constructor(readonly db: CtrlDatabase, readonly id: string, readonly seed: Seed) {
    this.sleeper = this.another();
  }

  static async create(db: CtrlDatabase): Promise<World> {
    for (const table of ["agents", "api_processes", "deployment_sleeps", "gradual_switches"] as const) {
      await db.kysely.deleteFrom(table).execute();
    }
    const seed = await seedProject(db);
    const { id } = await seedDeployment(db, seed, { environment_id: seed.previewId });
    const world = new World(db, id, seed);
    const nowMs = Date.now() - HOUR_MS;
    await db.kysely.updateTable("environments").set({ app_settings: '{"sleepSeconds":600}' })
      .where("id", "=", seed.previewId).execute();
    await transact(db, async (tx) => {
      await moveStatus(tx, { id, from: ["pending"], to: "deploying", nowMs });
      await moveStatus(tx, { id, from: ["deploying"], to: "ready", nowMs });
      const regions = [{ region: "eu", replicas: 2 }];
      await placeDeployment(tx, { deploymentId: id, workspaceId: seed.workspaceId, regions, nowMs });
      await followSleepTimes(tx, { environmentId: seed.previewId, nowMs });
    });
    await world.heartbeat("a");
    return world;
  }

  another(): Sleeper {
    const { db } = this;
    const changes = { changed: (regions: readonly string[]) => void this.notified.push(regions) };
    return new Sleeper({ db, clock: systemClock(), log: silentLogger(), changes });
  }

  async heartbeat(edge: string, { agoMs = 0, feedRevision = SLEEP_REVISION } = {}): Promise<void> {
    const agent = { agentId: `${EDGE_REGION}:${edge}`, region: EDGE_REGION, feedRevision };
    await transact(this.db, (tx) => recordAgents(tx, [{ ...agent, nowMs: Date.now() - agoMs }]));
  }

  async round(): Promise<string> {
    await this.sleeper.round(never);
    return await this.state();
  }

  async state(): Promise<string> {
    const [row] = await listSleeps(this.db.kysely, [this.id]);
    if (row === undefined) return "never";
    return row.asleep_at === null ? "awake" : row.woken_at === null ? "asleep" : "waking";
  }

  async wake(): Promise<readonly string[] | undefined> {
    const change = { deploymentId: this.id, nowMs: Date.now(), message: "Woken." };
    return await transact(this.db, (tx) => wake(tx, change));
  }

  async isWanted(): Promise<boolean> {
    const [row] = await listDesiredDeployments(this.db.kysely, "eu", [this.id]);
    assert.equal(row?.desired_replicas, 2, "its size stays");
    return !row.isAsleep;
  }

  async runs(): Promise<void> {
    const { workspaceId, projectId } = this.seed;
    const instance = {
      ...ROWS.instances,
      k8s_name: `${this.id}-0`,
      status: "running",
      last_end: null,
    } as const;
    await transact(this.db, (tx) =>
      replaceReported(tx, {
        deploymentId: this.id,
        workspaceId,
        projectId,
        region: "eu",
        generation: 0,
        instances: [instance],
        nowMs: Date.now(),
      }));
  }
}

test("a preview without requests sleeps, wakes, runs, and sleeps again only after its time", async (db) => {
  const world = await World.create(db);
  assert.equal(await world.round(), "asleep");
  assert.deepEqual(world.notified, [["eu"]]);
  assert.equal(await world.isWanted(), false);
  assert.equal(await world.round(), "asleep");
  assert.equal(world.notified.length, 1);
  assert.deepEqual(await world.wake(), ["eu"]);
  assert.equal(await world.wake(), undefined, "a second request finds it woken");
  assert.equal(await world.isWanted(), true);
  assert.equal(await world.round(), "waking", "its instances do not run yet");
  await world.runs();
  assert.equal(await world.round(), "awake");
  assert.equal(await world.round(), "awake", "the request that woke it counts");
  const events = await listInstanceEvents(db.kysely, world.id);
  assert.deepEqual(events.map(({ kind, reason, region }) => `${kind} ${reason} ${region}`).toSorted(), [
    "scaled asleep eu",
    "scaled woken eu",
  ]);
});

test("a deployment that was woken and does not come to run is awake after two minutes", async (db) => {
  const world = await World.create(db);
  await world.round();
  await world.wake();
  await db.kysely.updateTable("deployment_sleeps").set({ woken_at: Date.now() - 130_000 })
    .where("deployment_id", "=", world.id).execute();
  assert.equal(await world.round(), "awake");
});

test("a request, a start that is under way, and a gradual switch keep a deployment awake", async (db) => {
  const world = await World.create(db);
  await recordRequests(db.kysely, [world.id]);
  assert.equal(await world.round(), "awake");
  await db.kysely.deleteFrom("deployment_requests").where("deployment_id", "=", world.id).execute();
  await db.kysely.insertInto("deployment_starts")
    .values({ deployment_id: world.id, start_id: "s", created_at: Date.now(), is_cold: 0 }).execute();
  assert.equal(await world.round(), "awake");
  await db.kysely.deleteFrom("deployment_starts").where("deployment_id", "=", world.id).execute();
  await db.kysely.insertInto("gradual_switches")
    .values({ ...ROWS.gradual_switches, running_in: world.seed.previewId, ended_at: null }).execute();
  assert.equal(await world.round(), "awake");
  await db.kysely.deleteFrom("gradual_switches").execute();
  assert.equal(await world.round(), "asleep");
});

test("nothing sleeps while an edge does not report, and without edges", async (db) => {
  const world = await World.create(db);
  await world.heartbeat("b", { agoMs: 60_000 });
  assert.equal(await world.round(), "awake");
  await db.kysely.deleteFrom("agents").execute();
  assert.equal(await world.round(), "awake");
  await world.heartbeat("b");
  assert.equal(await world.round(), "asleep");
});

test("an edge or an api of an earlier release keeps deployments awake, and wakes those that sleep", async (db) => {
  const world = await World.create(db);
  await world.heartbeat("b", { feedRevision: 0 });
  assert.equal(await world.round(), "awake");
  await world.heartbeat("b");
  assert.equal(await world.round(), "asleep");
  await world.heartbeat("b", { feedRevision: 0 });
  assert.equal(await world.round(), "waking");
  await world.heartbeat("b");
  await world.runs();
  await world.round();
  await db.kysely.insertInto("api_processes")
    .values({ ...ROWS.api_processes, lease_expires_at: Date.now() + HOUR_MS, feed_revision: 1 }).execute();
  await db.kysely.deleteFrom("deployment_requests").where("deployment_id", "=", world.id).execute();
  assert.equal(await world.round(), "awake");
});

test("a stop ends the sleep, and so does a worker of an earlier release that stops the deployment", async (db) => {
  const world = await World.create(db);
  await world.round();
  await transact(db, (tx) => stopTopology(tx, { deploymentId: world.id, nowMs: Date.now() }));
  assert.equal(await world.state(), "never");
  const other = await World.create(db);
  await other.round();
  await db.kysely.updateTable("deployments").set({ status: "stopped" }).where("id", "=", other.id).execute();
  assert.equal(await other.round(), "never");
});

test("two workers put a deployment to sleep once", async (db) => {
  const world = await World.create(db);
  await Promise.all([world.sleeper.round(never), world.another().round(never)]);
  assert.equal(await world.state(), "asleep");
  assert.equal(world.notified.length, 1);
});

test("an environment without the setting wakes what sleeps, and keeps it awake", async (db) => {
  const world = await World.create(db);
  await world.round();
  await db.kysely.updateTable("environments").set({ app_settings: null })
    .where("id", "=", world.seed.previewId).execute();
  const change = { environmentId: world.seed.previewId, nowMs: Date.now() };
  const regions = await transact(db, (tx) => followSleepTimes(tx, change));
  assert.ok(regions.includes("eu"));
  assert.equal(await world.isWanted(), true);
  assert.equal(await world.round(), "never");
});
