/** Reported loads, and the numbers of instances that follow them, on every database. */
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import {
  type CtrlDatabase,
  EDGE_REGION,
  listInstanceEvents,
  listScaled,
  listTopology,
  moveStatus,
  placeDeployment,
  recordAgents,
  recordLoads,
  removeLoads,
  scalePlacements,
  setWorkspaceLimit,
} from "../../internal/store/mod.ts";
import type { ScalingSettings } from "../../internal/scaling/mod.ts";
import { seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { worldClock } from "../testing.ts";
import { Autoscaler } from "./autoscaler.ts";

const test = testOnCtrlDatabases();
const never = new AbortController().signal;
const SETTINGS: ScalingSettings = { max: 10, concurrency: 10, downSeconds: 20 };

/** A ready deployment with two instances in `eu`, and no other one that is scaled. */
class World {
  nowMs = 1_760_000_000_000;
  /** The regions of each notification. */
  readonly notified: (readonly string[])[] = [];
  readonly autoscaler: Autoscaler;

  private constructor(readonly db: CtrlDatabase, readonly id: string, readonly workspaceId: string) {
    this.autoscaler = this.another();
  }

  static async create(db: CtrlDatabase, settings = SETTINGS): Promise<World> {
    for (const table of ["agents", "load_reports", "scaled_placements"] as const) {
      await db.kysely.deleteFrom(table).execute();
    }
    const seed = await seedProject(db);
    const { id } = await seedDeployment(db, seed);
    const world = new World(db, id, seed.workspaceId);
    const { workspaceId, productionId: environmentId } = seed;
    await transact(db, async (tx) => {
      await moveStatus(tx, { id, from: ["pending"], to: "deploying", nowMs: world.nowMs });
      await moveStatus(tx, { id, from: ["deploying"], to: "ready", nowMs: world.nowMs });
      const regions = [{ region: "eu", replicas: 2 }];
      await placeDeployment(tx, { deploymentId: id, workspaceId, regions, nowMs: world.nowMs });
      const scaled = { deploymentId: id, workspaceId, environmentId, settings, isOwn: false };
      await scalePlacements(tx, scaled, ["eu"]);
    });
    await world.heartbeat("a");
    return world;
  }

  another(): Autoscaler {
    const { db } = this;
    const changes = { changed: (regions: readonly string[]) => void this.notified.push(regions) };
    return new Autoscaler({ db, clock: worldClock(this), log: silentLogger(), changes });
  }

  async heartbeat(edge: string): Promise<void> {
    const heartbeat = { agentId: `${EDGE_REGION}:${edge}`, region: EDGE_REGION, nowMs: this.nowMs };
    await transact(this.db, (tx) => recordAgents(tx, [heartbeat]));
  }

  async report(edge: string, concurrency: number): Promise<void> {
    const load = { deploymentId: this.id, region: "eu", value: concurrency * 1_000, instances: 0 };
    const source = `${EDGE_REGION}:${edge}`;
    await recordLoads(this.db.kysely, {
      reporter: edge,
      kind: "edge",
      source,
      reportedAtMs: this.nowMs,
      loads: [load],
    });
  }

  async usage(cpuMillicores: number, instances: number): Promise<void> {
    const loads = [{ deploymentId: this.id, region: "eu", value: cpuMillicores, instances }];
    await recordLoads(this.db.kysely, {
      reporter: "agent:eu",
      kind: "agent",
      source: "eu",
      reportedAtMs: this.nowMs,
      loads,
    });
  }

  /** Rounds each 2 s with a report before each. */
  async rounds(seconds: number, report: () => Promise<void> = () => Promise.resolve()): Promise<number> {
    for (let passed = 0; passed < seconds; passed += 2) {
      this.nowMs += 2_000;
      await report();
      await this.autoscaler.round(never);
    }
    return await this.replicas();
  }

  async replicas(): Promise<number> {
    return (await listTopology(this.db.kysely, this.id))[0]?.desired_replicas ?? 0;
  }
}

test("the number of instances follows the requests of all edges, with its reason, event and change", async (db) => {
  const world = await World.create(db);
  await world.heartbeat("b");
  await world.report("a", 25);
  await world.report("b", 21);
  assert.equal(await world.rounds(2), 5);
  const [scaled] = await listScaled(db.kysely, [world.id]);
  assert.deepEqual(
    [scaled?.changed_at, scaled?.changed_from, scaled?.reason],
    [world.nowMs, 2, "46.0 requests at a time, with a target of 10 per instance."],
  );
  const events = await listInstanceEvents(db.kysely, world.id);
  assert.deepEqual(events.map(({ kind, reason, message, region }) => [kind, reason, message, region]), [
    ["scaled", "scaled_up", "From 2 to 5 instances.", "eu"],
  ]);
  assert.deepEqual(world.notified, [["eu"]]);
  const [row] = await listTopology(db.kysely, world.id);
  assert.ok((row?.version ?? 0) > 1, "the agent gets a change");
  await world.autoscaler.round(never);
  assert.equal(world.notified.length, 1);
});

test("fewer instances come only while every known edge reports", async (db) => {
  const world = await World.create(db);
  const both = async () => {
    await world.report("a", 3);
    await world.report("b", 4);
  };
  await world.heartbeat("b");
  assert.equal(await world.rounds(60, () => world.report("a", 3)), 2, "b has not reported");
  assert.equal(await world.rounds(18, both), 2);
  assert.equal(await world.rounds(6, both), 1);
  await transact(db, (tx) =>
    placeDeployment(tx, {
      deploymentId: world.id,
      workspaceId: world.workspaceId,
      regions: [{ region: "eu", replicas: 4 }],
      nowMs: world.nowMs,
    }));
  assert.equal(await world.rounds(60), 4, "both have stopped to report");
  await removeLoads(db.kysely, "a");
  await db.kysely.deleteFrom("agents").where("agent_id", "=", `${EDGE_REGION}:a`).execute();
  assert.equal(await world.rounds(30, () => world.report("b", 4)), 1, "a has ended");
  await db.kysely.deleteFrom("agents").execute();
  assert.equal(await world.rounds(30, () => world.report("b", 30)), 3, "more is safe in any case");
});

test("the CPU of measured instances counts, and an agent that is away takes none away", async (db) => {
  const world = await World.create(db, { max: 10, cpuPercent: 50, downSeconds: 20 });
  await world.usage(450, 2);
  assert.equal(await world.rounds(2), 4);
  assert.equal(await world.rounds(60, () => world.usage(100, 3)), 4, "one of four is not measured");
  assert.equal(await world.rounds(60), 4, "no report");
  assert.equal(await world.rounds(30, () => world.usage(100, 4)), 1);
});

test("two workers change a number once, and one that has just begun takes none away", async (db) => {
  const world = await World.create(db);
  await world.report("a", 30);
  world.nowMs += 1_000;
  await Promise.all([world.autoscaler.round(never), world.another().round(never)]);
  assert.deepEqual([await world.replicas(), world.notified.length], [3, 1]);
  await world.rounds(18, () => world.report("a", 1));
  const late = world.another();
  await late.round(never);
  assert.equal(await world.replicas(), 3);
});

test("the limit of the workspace bounds growth, and the reason says so", async (db) => {
  const world = await World.create(db);
  const { workspaceId } = world;
  await setWorkspaceLimit(db.kysely, { workspaceId, name: "scaled_instances", value: 3, nowMs: 1 });
  await world.report("a", 90);
  assert.equal(await world.rounds(2), 3);
  assert.match(
    (await listScaled(db.kysely, [world.id]))[0]?.reason ?? "",
    /would exceed the workspace's limit/,
  );
  await world.report("a", 90);
  assert.equal(await world.rounds(2), 3);
  assert.equal(world.notified.length, 1);
});
